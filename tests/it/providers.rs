//! The media vendors, as the sandbox plays them: what they make, what becomes of a job when they will not, and what is paid for.

use std::collections::BTreeMap;

use events::Topic;
use jobs::{Attempt, Outcome};
use local::{
    deploy::Providers,
    proxy::{Moment, Occurrence},
    records::Produced,
    sandbox::{Behaviour, Call, Refusal, Script, Vendor, refusal},
};
use serde_json::{Value, json};

use crate::harness::{Studio, created, example, fetch, size_of, until};

fn providers(image: &str, video: &str, audio: &str) -> Providers {
    Providers { image: image.to_owned(), video: video.to_owned(), audio: audio.to_owned() }
}

/// A campaign of `tenant`'s that asks for these and nothing else.
fn campaign(tenant: &str, assets: &[&str]) -> Value {
    let mut event = example(Topic::CampaignLaunched, tenant, tenant);
    event["data"]["campaignId"] = json!(tenant);
    event["data"]["assets"] = json!(assets);
    event
}

/// An event of `tenant`'s that asks for a poster.
fn poster(tenant: &str) -> Value {
    let mut event = created(tenant, tenant);
    event["data"]["assets"] = json!(["poster"]);
    event
}

/// The data of the events of a topic.
fn data(produced: &[Produced], topic: Topic) -> Vec<Value> {
    produced
        .iter()
        .filter(|record| record.topic == topic.as_str())
        .map(|record| record.event()["data"].clone())
        .collect()
}

/// The attempts of a job, as the table has them.
async fn attempts(studio: &Studio, job: &str) -> Vec<Attempt> {
    let item = studio.item(&format!("job#{job}"), "state").await.unwrap();
    let state: Value = serde_json::from_str(item["state"].as_s().unwrap()).unwrap();
    serde_json::from_value(state["attempts"].clone()).unwrap()
}

fn paid(studio: &Studio, vendor: Vendor) -> Vec<Call> {
    studio.stack.sandbox.calls().into_iter().filter(|call| call.vendor == vendor && call.is_paid()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_asks_for_video_and_audio_ends_with_real_files_their_lengths_and_what_they_cost() {
    for (audio, made_by, credits) in
        [("polly", "polly/neural", 1), ("elevenlabs", "elevenlabs/eleven_multilingual_v2", 30)]
    {
        let mut studio =
            Studio::start_with(|options| options.providers = providers("studio-canvas", "runway", audio)).await;
        studio.publish(&campaign("tenant-1", &["video", "audio-spot"])).await;
        let produced = studio.produced_for("tenant-1", 8).await;
        let completed: BTreeMap<String, Value> = data(&produced, Topic::RenderJobCompleted)
            .into_iter()
            .map(|data| (data["type"].as_str().unwrap().to_owned(), data))
            .collect();

        let video = &completed["video"];
        assert_eq!(video["provider"], "runway/gen4.5");
        assert_eq!((video["lengthMs"].as_u64(), video["creditsUsed"].as_u64()), (Some(5000), Some(60)));
        let file = fetch(&studio, video["outputUrl"].as_str().unwrap()).await;
        assert_eq!((&file[4..8], file.len()), (&b"ftyp"[..], 16_578));

        let spot = &completed["audio"];
        assert_eq!(spot["provider"], made_by);
        let file = fetch(&studio, spot["outputUrl"].as_str().unwrap()).await;
        assert!(file.starts_with(b"ID3"));
        // What was spoken is what is charged for: its letters, by the list.
        let spoken = paid(&studio, if audio == "polly" { Vendor::Polly } else { Vendor::ElevenLabs });
        let text: Value = serde_json::from_slice(&spoken[0].body).unwrap();
        let letters = text["text"].as_str().or(text["Text"].as_str()).unwrap().chars().count() as u64;
        let list =
            if audio == "polly" { (letters * 1600).div_ceil(1_000_000) } else { (letters * credits).div_ceil(1000) };
        assert_eq!(spot["creditsUsed"].as_u64(), Some(list));

        for data in completed.values() {
            assert!(data["durationMs"].as_u64().unwrap() > 0);
            let attempts = attempts(&studio, data["jobId"].as_str().unwrap()).await;
            assert_eq!(attempts.len(), 1);
            let credits = data["creditsUsed"].as_u64().unwrap();
            assert_eq!(attempts[0].outcome, Some(Outcome::Made { credits }), "what the event says is what was used");
        }
        // The template carries the file too, and nothing was asked for twice.
        assert_eq!(data(&produced, Topic::TemplateUpdated).len(), 2);
        assert_eq!(paid(&studio, Vendor::Runway).len(), 1);
        assert_eq!(spoken.len(), 1);
        studio.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poster_is_a_vendors_picture_under_text_that_the_canvas_sets() {
    let mut studio = Studio::start_with(|options| options.providers = providers("openai,studio-canvas", "", "")).await;
    studio.publish(&poster("tenant-1")).await;
    let produced = studio.produced_for("tenant-1", 4).await;
    assert_eq!(data(&produced, Topic::RenderJobCreated)[0]["provider"], "openai");
    let completed = &data(&produced, Topic::RenderJobCompleted)[0];
    assert_eq!(completed["provider"], "openai/gpt-image-2");
    // 1088 × 1360 pixels of medium quality, by the list.
    assert_eq!(completed["creditsUsed"], 5);
    let file = fetch(&studio, completed["outputUrl"].as_str().unwrap()).await;
    assert_eq!(size_of(&file), (1080, 1350));
    std::fs::create_dir_all("../target/gallery").unwrap();
    std::fs::write("../target/gallery/painted-poster.png", &file).unwrap();

    // Nothing of the facts is the vendor's to write: it is asked for a picture without letters.
    let asked: Value = serde_json::from_slice(&paid(&studio, Vendor::OpenAi)[0].body).unwrap();
    assert_eq!((asked["model"].as_str(), asked["size"].as_str()), (Some("gpt-image-2"), Some("1088x1360")));
    assert!(asked["prompt"].as_str().unwrap().contains("no text, no letters"));

    // An invitation is all text: nobody is paid for it.
    let mut invitation = created("tenant-2", "tenant-2");
    invitation["data"]["assets"] = json!(["invitation"]);
    studio.publish(&invitation).await;
    let produced = studio.produced_for("tenant-2", 4).await;
    assert_eq!(data(&produced, Topic::RenderJobCompleted)[0]["provider"], "studio-canvas");
    assert_eq!(paid(&studio, Vendor::OpenAi).len(), 1);
    studio.stop().await;
}
