//! The media that each vendor makes.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_campaigns_video_and_audio_have_files_lengths_and_costs() {
    for (audio, made_by, credits) in [
        ("polly", "polly/neural", 1),
        ("elevenlabs", "elevenlabs/eleven_multilingual_v2", 30),
    ] {
        let mut studio = Studio::start_with(|options| {
            options.providers = providers("studio-canvas", "runway", audio)
        })
        .await;
        studio
            .publish(&campaign("tenant-1", &["video", "audio-spot"]))
            .await;
        let produced = studio.produced_for("tenant-1", 8).await;
        let completed: BTreeMap<String, Value> = data(&produced, Topic::RenderJobCompleted)
            .into_iter()
            .map(|data| (data["type"].as_str().unwrap().to_owned(), data))
            .collect();

        let video = &completed["video"];
        assert_eq!(video["provider"], "runway/gen4.5");
        assert_eq!(
            (video["lengthMs"].as_u64(), video["creditsUsed"].as_u64()),
            (Some(5000), Some(60))
        );
        let file = fetch(&studio, video["outputUrl"].as_str().unwrap()).await;
        assert_eq!((&file[4..8], file.len()), (&b"ftyp"[..], 16_578));

        let spot = &completed["audio"];
        assert_eq!(spot["provider"], made_by);
        let file = fetch(&studio, spot["outputUrl"].as_str().unwrap()).await;
        assert!(file.starts_with(b"ID3"));
        // The credits are the list price of the spoken characters.
        let spoken = paid(
            &studio,
            if audio == "polly" {
                Vendor::Polly
            } else {
                Vendor::ElevenLabs
            },
        );
        let text: Value = serde_json::from_slice(&spoken[0].body).unwrap();
        let letters = text["text"]
            .as_str()
            .or(text["Text"].as_str())
            .unwrap()
            .chars()
            .count() as u64;
        let list = if audio == "polly" {
            (letters * 1600).div_ceil(1_000_000)
        } else {
            (letters * credits).div_ceil(1000)
        };
        assert_eq!(spot["creditsUsed"].as_u64(), Some(list));

        for data in completed.values() {
            assert!(data["durationMs"].as_u64().unwrap() > 0);
            let attempts = attempts(&studio, data["jobId"].as_str().unwrap()).await;
            assert_eq!(attempts.len(), 1);
            let credits = data["creditsUsed"].as_u64().unwrap();
            assert_eq!(
                attempts[0].outcome,
                Some(Outcome::Made { credits }),
                "what the event says is what was used"
            );
        }
        // The template has the file too, and no vendor was asked twice.
        assert_eq!(data(&produced, Topic::TemplateUpdated).len(), 2);
        assert_eq!(paid(&studio, Vendor::Runway).len(), 1);
        assert_eq!(spoken.len(), 1);
        studio.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spot_may_be_the_sound_of_a_place_or_music() {
    for (spot, made_by) in [
        ("sound", "elevenlabs/eleven_text_to_sound_v2"),
        ("music", "elevenlabs/music_v1"),
    ] {
        let mut studio = Studio::start_with(|options| {
            options.providers = providers("studio-canvas", "", "elevenlabs");
            options.provider_settings = json!({ "elevenlabs": { "spot": spot, "seconds": 3 } });
        })
        .await;
        studio.publish(&campaign("tenant-1", &["audio-spot"])).await;
        let produced = studio.produced_for("tenant-1", 4).await;
        let completed = &data(&produced, Topic::RenderJobCompleted)[0];
        assert_eq!(
            (completed["type"].as_str(), completed["provider"].as_str()),
            (Some("audio"), Some(made_by))
        );
        assert!(
            fetch(&studio, completed["outputUrl"].as_str().unwrap())
                .await
                .starts_with(b"ID3")
        );
        studio.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poster_is_a_vendors_picture_under_text_that_the_canvas_sets() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("openai,studio-canvas", "", ""))
            .await;
    studio.publish(&poster("tenant-1")).await;
    let produced = studio.produced_for("tenant-1", 4).await;
    assert_eq!(
        data(&produced, Topic::RenderJobCreated)[0]["provider"],
        "openai"
    );
    let completed = &data(&produced, Topic::RenderJobCompleted)[0];
    assert_eq!(completed["provider"], "openai/gpt-image-2");
    // 1088 × 1360 pixels in medium quality, at the list price.
    assert_eq!(completed["creditsUsed"], 5);
    let file = fetch(&studio, completed["outputUrl"].as_str().unwrap()).await;
    assert_eq!(size_of(&file), (1080, 1350));
    std::fs::create_dir_all("../target/gallery").unwrap();
    std::fs::write("../target/gallery/painted-poster.png", &file).unwrap();

    // The vendor writes none of the facts: the prompt asks for a picture without letters.
    let asked: Value = serde_json::from_slice(&paid(&studio, Vendor::OpenAi)[0].body).unwrap();
    assert_eq!(
        (asked["model"].as_str(), asked["size"].as_str()),
        (Some("gpt-image-2"), Some("1088x1360"))
    );
    assert!(
        asked["prompt"]
            .as_str()
            .unwrap()
            .contains("no text, no letters")
    );

    // An invitation is text only, so no vendor is paid for it.
    let mut invitation = created("tenant-2", "tenant-2");
    invitation["data"]["assets"] = json!(["invitation"]);
    studio.publish(&invitation).await;
    let produced = studio.produced_for("tenant-2", 4).await;
    assert_eq!(
        data(&produced, Topic::RenderJobCompleted)[0]["provider"],
        "studio-canvas"
    );
    assert_eq!(paid(&studio, Vendor::OpenAi).len(), 1);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_of_twenty_megabytes_is_uploaded_in_parts_and_whole() {
    const BYTES: usize = 20 * 1024 * 1024 + 7;
    let mut studio =
        Studio::start_with(|options| options.providers = providers("studio-canvas", "runway", ""))
            .await;
    studio.stack.sandbox.script(Script::posts(
        Vendor::Runway,
        Occurrence::Every,
        Behaviour::OutputOf { bytes: BYTES },
    ));
    // The first part is refused once, and the upload continues.
    let matches = Matches {
        service: Some("s3".to_owned()),
        operation: Some("UploadPart".to_owned()),
        occurrence: Occurrence::First(1),
        ..Matches::default()
    };
    let action = fault_proxy::Action::Fail {
        status: 503,
        error: "SlowDown".to_owned(),
    };
    studio.stack.proxy.inject(Fault { matches, action });
    studio.publish(&campaign("tenant-1", &["video"])).await;
    let produced = studio.produced_for("tenant-1", 4).await;
    let url = data(&produced, Topic::RenderJobCompleted)[0]["outputUrl"].clone();
    let file = fetch(&studio, url.as_str().unwrap()).await;
    assert_eq!((file.len(), &file[4..8]), (BYTES, &b"ftyp"[..]));
    let uploads = studio.stack.proxy.calls();
    let count = |name: &str| {
        uploads
            .iter()
            .filter(|call| call.operation.name == name)
            .count()
    };
    assert_eq!(
        (
            count("CreateMultipartUpload"),
            count("UploadPart"),
            count("CompleteMultipartUpload")
        ),
        // One more was begun to find out whether the bucket takes the video, and given up.
        (2, 4, 1)
    );
    assert_eq!(count("AbortMultipartUpload"), 1);
    studio.stop().await;
}
