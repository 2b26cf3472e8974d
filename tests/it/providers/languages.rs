//! A spot is spoken by a voice for its language, or not at all.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_spot_is_spoken_by_a_voice_for_its_language_or_fails_with_what_is_missing() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "", "elevenlabs,polly");
        options.provider_settings = json!({
            "elevenlabs": { "speakers": {
                "en": { "voice": "english" },
                "hi": { "voice": "hindi", "model": "eleven_v3" },
            } },
            "polly": { "speakers": {
                "de-DE": { "voice": "Vicki" },
                "ar": { "voice": "Zeina", "engine": "standard", "language": "arb" },
            } },
        });
    })
    .await;
    let spoken = [
        (
            "english",
            "en-GB",
            "Lanterns",
            "elevenlabs/eleven_multilingual_v2",
        ),
        ("hindi", "hi-IN", "दीपावली मेला", "elevenlabs/eleven_v3"),
        ("german", "de-AT", "Sommerfest", "polly/neural"),
        // The letters are not those of its locale.
        ("arabic", "en", "مهرجان الموسيقى", "polly/standard"),
    ];
    for (tenant, locale, headline, made_by) in spoken {
        studio.publish(&spot(tenant, locale, headline)).await;
        let end = end_of(&mut studio, tenant).await;
        assert_eq!(end, format!("completed by {made_by}; made"), "{tenant}");
    }
    let asked = |vendor| -> Vec<(String, Value)> {
        let calls = paid(&studio, vendor).into_iter();
        calls
            .map(|call| (call.path, serde_json::from_slice(&call.body).unwrap()))
            .collect()
    };
    let (elevenlabs, polly) = (asked(Vendor::ElevenLabs), asked(Vendor::Polly));
    let voices: Vec<_> = elevenlabs
        .iter()
        .map(|(path, body)| (path.split('?').next().unwrap(), &body["language_code"]))
        .collect();
    let [english, hindi] = ["english", "hindi"].map(|voice| format!("/text-to-speech/{voice}"));
    // The model of the first takes no language.
    assert_eq!(voices, [(&*english, &Value::Null), (&*hindi, &json!("hi"))]);
    let voices: Vec<_> = polly
        .iter()
        .map(|(_, body)| (&body["VoiceId"], &body["LanguageCode"]))
        .collect();
    assert_eq!(
        voices,
        [
            (&json!("Vicki"), &json!("de-DE")),
            (&json!("Zeina"), &json!("arb"))
        ]
    );

    studio.publish(&spot("tamil", "en", "தீபாவளி இசை விழா")).await;
    let produced = studio.ended("tamil").await;
    let failed = &data(&produced, Topic::RenderJobFailed)[0];
    assert_eq!(
        (
            &failed["failure"],
            &failed["canResubmit"],
            &failed["attempts"]
        ),
        (&json!("not-configured"), &json!(true), &json!(0))
    );
    let reason = failed["reason"].as_str().unwrap();
    assert!(
        reason.contains("speaks the language of the text (`ta`)"),
        "{reason}"
    );
    let job = failed["jobId"].as_str().unwrap();
    let shown = cli(&studio, &format!("jobs show --tenant tamil {job}")).await;
    assert!(
        shown.text.contains("elevenlabs.speakers or polly.speakers"),
        "{shown:?}"
    );
    studio.stop().await;
}

/// An event of `tenant` that asks for a spot.
fn spot(tenant: &str, locale: &str, headline: &str) -> Value {
    let mut event = campaign(tenant, &["audio-spot"]);
    event["data"]["locale"] = json!(locale);
    event["data"]["headline"] = json!(headline);
    // The example's own words are English.
    for name in ["message", "description", "callToAction", "summary"] {
        event["data"].as_object_mut().unwrap().remove(name);
    }
    event
}
