//! Text that the studio has no font for: a title fails its job with a sentence, anything less is told
//! in the events, the history, the log and a metric. The text is cuneiform, which no face covers.

use contract::Topic;
use local::{
    metrics::{emitted, logged},
    records::Produced,
};
use serde_json::{Value, json};
use vendor_sandbox::Vendor;

use crate::{
    campaigns::providers,
    harness::{Studio, created, fetch, jobs_of, now, size_of, until},
    messages::{deliver, message_of, none_kept},
    operator::studio as cli,
};

/// Three letters.
const CUNEIFORM: &str = "\u{12031}\u{12079}\u{1202d}";

/// An event of `tenant` that asks for a poster.
fn poster(tenant: &str) -> Value {
    let mut event = created(tenant, tenant);
    event["data"]["assets"] = json!(["poster"]);
    event
}

/// The data of the only event of `topic`, as often as it came.
fn data(produced: &[Produced], topic: Topic) -> Value {
    let of_topic = produced.iter().filter(|one| one.topic == topic.as_str());
    let mut all: Vec<Value> = of_topic.map(|one| one.event()["data"].clone()).collect();
    all.dedup();
    assert_eq!(all.len(), 1, "{topic}: {all:#?}");
    all.remove(0)
}

/// What `CharactersUndrawn` came to, once it was written `times` times.
async fn counted(studio: &Studio, times: usize) -> f64 {
    let mut values = Vec::new();
    until("the characters are counted", async || {
        let all = emitted(&studio.stack.clients).await.unwrap();
        let of_it = all
            .into_iter()
            .filter(|(metric, _)| metric.name == "CharactersUndrawn");
        values = of_it.flat_map(|(_, values)| values).collect();
        values.len() >= times
    })
    .await;
    assert_eq!(values.len(), times, "{values:?}");
    values.iter().sum()
}

/// The lines of the log that say `words`; none of them shows the text.
async fn lines_with(studio: &Studio, words: &str) -> Vec<String> {
    let lines = logged(&studio.stack.clients).await.unwrap();
    assert!(!lines.iter().any(|line| line.contains(CUNEIFORM)));
    let mut with: Vec<String> = lines.into_iter().filter(|l| l.contains(words)).collect();
    with.sort();
    with
}

#[tokio::test(flavor = "multi_thread")]
async fn a_title_without_a_font_fails_with_its_script_and_can_be_submitted_again() {
    let tenant = "tenant-untitled";
    let mut studio = Studio::start().await;
    let mut event = poster(tenant);
    event["data"]["title"] = json!(format!("{CUNEIFORM} 2026"));
    studio.publish(&event).await;
    let produced = studio.produced_for(tenant, 3).await;
    let failed = data(&produced, Topic::RenderJobFailed);
    assert_eq!(
        (&failed["failure"], &failed["canResubmit"]),
        (&json!("invalid-input"), &json!(true))
    );
    let sentence =
        "3 of the title's 3 letters are in Cuneiform script, for which the studio has no font";
    let reason = failed["reason"].as_str().unwrap();
    assert!(reason.starts_with(sentence), "{reason}");
    assert_eq!(counted(&studio, 1).await, 3.0);

    // Again, from either side: the same bytes, and nothing is counted again.
    studio.publish(&event).await;
    let job = jobs_of(&produced, Topic::RenderJobFailed).remove(0);
    let message = message_of(&studio, std::slice::from_ref(&job)).await;
    assert_eq!(deliver(&studio, &[message.to_string()]).await, none_kept());
    let produced = studio.produced_for(tenant, 3).await;
    assert_eq!(data(&produced, Topic::RenderJobFailed), failed);
    assert_eq!(counted(&studio, 1).await, 3.0);
    assert_eq!(lines_with(&studio, "not drawn: ").await.len(), 1);

    // Without a new font it fails again, as another job.
    let of_job = format!("--tenant {tenant} {job}");
    let shown = cli(&studio, &format!("jobs show {of_job}")).await;
    assert!(
        shown
            .text
            .contains(&format!("failed: invalid-input: {sentence}")),
        "{shown:?}"
    );
    let again = cli(&studio, &format!("jobs resubmit {of_job} --execute")).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let produced = studio.produced_for(tenant, 5).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobFailed).len(), 2);

    // Under another title, the studio renders it by itself.
    event["id"] = json!("evt-titled");
    event["time"] = json!(now());
    event["data"]["title"] = json!("Lanterns");
    studio.publish(&event).await;
    let produced = studio.produced_for(tenant, 9).await;
    assert!(data(&produced, Topic::RenderJobCompleted)["undrawn"].is_null());
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_venue_without_a_font_is_left_out_and_told_in_events_history_log_and_metric() {
    let tenant = "tenant-venue";
    let mut studio = Studio::start().await;
    let mut event = poster(tenant);
    event["data"]["venue"]["name"] = json!(CUNEIFORM);
    studio.publish(&event).await;
    let produced = studio.produced_for(tenant, 4).await;
    let told = json!([{ "field": "venue.name", "characters": 3, "scripts": ["Cuneiform"] }]);
    let completed = data(&produced, Topic::RenderJobCompleted);
    assert_eq!(completed["undrawn"], told);
    let updated = data(&produced, Topic::TemplateUpdated);
    assert_eq!(updated["asset"]["undrawn"], told);
    // For a person who does not see it, it says what it shows.
    let alt_text = completed["altText"].as_str().unwrap();
    assert!(
        alt_text.starts_with("Lanterns on the Lake. ") && alt_text.contains("2026"),
        "{alt_text}"
    );
    assert!(!alt_text.contains(CUNEIFORM), "{alt_text}");
    assert_eq!(updated["asset"]["altText"], alt_text);
    let file = fetch(&studio, completed["outputUrl"].as_str().unwrap()).await;
    assert_eq!(size_of(&file), (1080, 1350));

    // Again, from either side: the same bytes, and nothing is counted again.
    studio.publish(&event).await;
    let job = completed["jobId"].as_str().unwrap().to_owned();
    let message = message_of(&studio, std::slice::from_ref(&job)).await;
    assert_eq!(deliver(&studio, &[message.to_string()]).await, none_kept());
    let produced = studio.produced_for(tenant, 4).await;
    assert_eq!(data(&produced, Topic::RenderJobCompleted), completed);
    assert_eq!(counted(&studio, 1).await, 3.0);

    let shown = cli(&studio, &format!("jobs show --tenant {tenant} {job}")).await;
    let said = "not drawn: venue.name, 3 characters (Cuneiform)";
    assert!(shown.text.contains(said), "{shown:?}");
    let lines = lines_with(&studio, "venue.name, 3 characters (Cuneiform)").await;
    assert!(lines.len() == 1 && lines[0].contains(&job), "{lines:#?}");

    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendor_paints_nothing_under_a_title_without_a_font() {
    let tenant = "tenant-unpainted";
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai,studio-canvas", "", "");
    })
    .await;
    let mut event = poster(tenant);
    event["data"]["title"] = json!(CUNEIFORM);
    studio.publish(&event).await;
    let failed = data(&studio.ended(tenant).await, Topic::RenderJobFailed);
    assert_eq!(
        (&failed["failure"], &failed["canResubmit"]),
        (&json!("invalid-input"), &json!(true))
    );
    let calls = studio.stack.sandbox.calls();
    let paid = calls
        .iter()
        .filter(|call| call.vendor == Vendor::OpenAi && call.is_paid());
    assert_eq!(paid.count(), 0);
    assert_eq!(counted(&studio, 1).await, 3.0);

    // What is drawn over a painting tells its loss too.
    let mut event = poster("tenant-painted");
    event["data"]["organizer"] = json!(CUNEIFORM);
    studio.publish(&event).await;
    let completed = data(
        &studio.produced_for("tenant-painted", 4).await,
        Topic::RenderJobCompleted,
    );
    assert_eq!(completed["provider"], "openai/gpt-image-2");
    assert_eq!(
        completed["undrawn"],
        json!([{ "field": "organizer", "characters": 3, "scripts": ["Cuneiform"] }])
    );
    assert_eq!(counted(&studio, 2).await, 6.0);
    studio.stop().await;
}
