//! A spot of a campaign that names a voice.

use local::records::Produced;

use super::*;
use crate::campaigns::{campaign, providers};

/// A studio that clones voices, and has spots spoken by Polly or by ElevenLabs.
async fn studio_that_speaks() -> Studio {
    Studio::start_with(|options| {
        options.providers = Providers {
            voice: "elevenlabs".to_owned(),
            ..providers("studio-canvas", "", "polly,elevenlabs")
        };
        options.wait_scale = WAIT_SCALE;
    })
    .await
}

/// The data of the spot's `render-job.created` and of its end, if the job of this trigger has ended.
fn ended(records: &[Produced], trigger: &str) -> Option<(Value, Value)> {
    let mut datas = records.iter().map(|record| record.event()["data"].take());
    let created = datas.find(|data| data["trigger"]["id"] == trigger)?;
    let ends = [Topic::RenderJobCompleted, Topic::RenderJobFailed].map(Topic::as_str);
    let is_its_end = |record: &&Produced| {
        ends.contains(&record.topic.as_str()) && record.event()["data"]["jobId"] == created["jobId"]
    };
    let end = records.iter().find(is_its_end)?.event()["data"].take();
    Some((created, end))
}

/// Publishes a campaign of `tenant` whose spot `voice` is to speak. Returns the data of the spot's
/// `render-job.created` and of its end.
async fn spot(studio: &mut Studio, tenant: &str, name: &str, voice: &str) -> (Value, Value) {
    let mut event = campaign(tenant, &["audio-spot"]);
    let id = format!("evt-{name}");
    event["id"] = json!(id);
    event["data"]["campaignId"] = json!(name);
    event["data"]["headline"] = json!(name);
    event["data"]["voiceModelId"] = json!(voice);
    studio.publish(&event).await;
    let is_over = |records: &[Produced]| ended(records, &id).is_some();
    let what = format!("the spot of {name} has ended");
    let records = studio.produced_until(&what, PATIENCE, is_over).await;
    ended(records, &id).unwrap()
}

/// The paths of the requests to speak, without their queries.
fn spoken(studio: &Studio) -> Vec<String> {
    let calls = posts(studio).into_iter();
    let paths = calls.map(|call| call.path.split('?').next().unwrap().to_owned());
    paths
        .filter(|path| path.starts_with("/text-to-speech/"))
        .collect()
}

/// Asserts that the job of `end` failed before a provider was asked, with a reason of these words
/// that names `voice`.
fn not_spoken(end: &Value, voice: &str, words: &str, can_resubmit: bool) {
    let reason = end["reason"].as_str().unwrap();
    assert!(reason.contains(words) && reason.contains(voice), "{reason}");
    assert_eq!(
        (&end["failure"], &end["canResubmit"], &end["attempts"]),
        (&json!("invalid-input"), &json!(can_resubmit), &json!(0)),
        "{end}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spot_is_spoken_by_the_trained_voice_until_that_is_erased() {
    let mut studio = studio_that_speaks().await;
    let (id, tenant) = (voice_id(1), "tenant-asha");
    train(&studio, &id, &input(tenant, "instant", 1)).await;
    assert_eq!(line_of(&studio, &id).await, "ready; made");
    let known = model(&studio, &id).await.unwrap().voice.unwrap();

    // Another tenant's is as unknown as one that never was.
    let never = voice_id(9);
    for (name, voice) in [("theirs", &id), ("never", &never)] {
        let (created, end) = spot(&mut studio, "tenant-other", name, voice).await;
        assert_eq!(created["voiceModelId"], json!(voice));
        not_spoken(&end, voice, "This tenant has no voice model", false);
    }
    assert_eq!(spoken(&studio), Vec::<String>::new());

    let (created, end) = spot(&mut studio, tenant, "spoken", &id).await;
    for data in [&created, &end] {
        assert_eq!(data["voiceModelId"], json!(id), "{data}");
    }
    // Polly comes first for what names no voice.
    assert_eq!(created["provider"], "elevenlabs");
    assert_eq!(end["provider"], "elevenlabs/eleven_multilingual_v2");
    let by_it = format!("/text-to-speech/{known}");
    assert_eq!(spoken(&studio), [by_it]);

    // Its provider lost it: that is no trouble with our account, and no one else speaks.
    let gone = Script {
        body_contains: Some("lost".to_owned()),
        ..Script::posts(
            Vendor::ElevenLabs,
            Occurrence::Every,
            refusal(Vendor::ElevenLabs, Refusal::Gone).unwrap(),
        )
    };
    studio.stack.sandbox.script(gone);
    let (_, end) = spot(&mut studio, tenant, "lost", &id).await;
    assert_eq!(
        (&end["failure"], &end["attempts"]),
        (&json!("invalid-input"), &json!(1))
    );
    assert!(end["reason"].as_str().unwrap().contains(&id), "{end}");
    let (_, end) = spot(&mut studio, tenant, "no-breaker", &id).await;
    assert_eq!(end["provider"], "elevenlabs/eleven_multilingual_v2");
    assert_eq!(spoken(&studio).len(), 3);

    let erase = format!("--json voices erase --tenant {tenant} {id} --execute");
    let said = cli(&studio, &erase).await;
    assert_eq!(said.json().pop().unwrap()["fate"]["is"], json!("erased"));
    let (_, end) = spot(&mut studio, tenant, "after", &id).await;
    not_spoken(&end, &id, "is erased", false);
    assert_eq!(spoken(&studio).len(), 3, "nothing spoke in its place");
    let to_polly = |call: &Call| call.vendor == Vendor::Polly;
    assert!(!posts(&studio).iter().any(to_polly));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spot_whose_voice_is_not_ready_is_resubmitted_when_it_is() {
    let mut studio = studio_that_speaks().await;
    let (id, tenant) = (voice_id(1), "tenant-early");
    train(&studio, &id, &input(tenant, "professional", 1)).await;
    model_that(&studio, &id, "waits for its owner", |state| {
        matches!(state, VoiceState::AwaitingOwner { .. })
    })
    .await;
    let (_, end) = spot(&mut studio, tenant, "early", &id).await;
    not_spoken(&end, &id, "is not ready", true);

    verify(&studio, &id, tenant).await;
    line_of(&studio, &id).await;
    let job = end["jobId"].as_str().unwrap();
    let resubmit = format!("jobs resubmit --tenant {tenant} {job} --execute");
    let said = cli(&studio, &resubmit).await;
    assert_eq!(said.code, Some(0), "{said:?}");
    let is_completed = |record: &Produced| record.topic == Topic::RenderJobCompleted.as_str();
    let records = studio
        .produced_until("it is spoken", PATIENCE, |records| {
            records.iter().any(is_completed)
        })
        .await;
    let end = records.iter().find(|record| is_completed(record)).unwrap();
    assert_eq!(end.event()["data"]["voiceModelId"], json!(id));
    let known = model(&studio, &id).await.unwrap().voice.unwrap();
    assert_eq!(spoken(&studio), [format!("/text-to-speech/{known}")]);
    studio.stop().await;
}
