//! Erasing a tenant: here, in the buckets and at the vendors. Only a record of the erasure is left.

use aws_sdk_dynamodb::types::AttributeValue;
use contract::Topic;
use domain::{VoiceModelId, derive};
use local::{
    deploy::{Providers, VOICE_BUCKET},
    proxy::Occurrence,
    sandbox::{Behaviour, Script, Vendor},
};
use serde_json::{Value, json};

use crate::harness::{Studio, created, example, jobs_of, now, topics, until};

const TENANT: &str = "tenant-gone";

/// Texts in the facts of the tenant's events, which must not be left after the erasure.
const PERSONAL: [&str; 6] = [
    "Lanterns",
    "user-asha-rao",
    "Monsoon Arts",
    "Asha",
    "A secret headline",
    "s3://",
];

/// The keys of everything in a bucket, including deleted versions that can be restored.
async fn objects(studio: &Studio, bucket: &str) -> Vec<String> {
    let list = studio
        .stack
        .clients
        .s3
        .list_object_versions()
        .bucket(bucket)
        .send()
        .await
        .unwrap();
    let keys = list.versions().iter().map(|version| version.key());
    let keys = keys.chain(list.delete_markers().iter().map(|marker| marker.key()));
    keys.map(|key| key.unwrap().to_owned()).collect()
}

fn campaign(id: &str) -> Value {
    let mut event = example(Topic::CampaignLaunched, TENANT, id);
    event["data"]["campaignId"] = json!(id);
    event["data"]["headline"] = json!("A secret headline");
    event["data"]["assets"] = json!(["video", "audio-spot"]);
    event
}

/// Creates every kind of data of the tenant: pictures, a video and a spot, a video in progress, a
/// voice that waits for its owner, and a dead letter.
async fn fill(studio: &mut Studio) -> String {
    studio.publish(&created(TENANT, "lanterns")).await;
    studio.publish(&campaign("campaign-done")).await;
    studio.produced_for(TENANT, 16).await;

    let forever = Behaviour::TaskStatus {
        status: "RUNNING".to_owned(),
        polls: u32::MAX,
    };
    studio
        .stack
        .sandbox
        .script(Script::posts(Vendor::Runway, Occurrence::Every, forever));
    let mut open = campaign("campaign-open");
    open["data"]["assets"] = json!(["video"]);
    studio.publish(&open).await;
    let produced = studio.produced_for(TENANT, 18).await;
    let ended = [Topic::RenderJobCompleted, Topic::RenderJobFailed]
        .map(|topic| jobs_of(&produced, topic))
        .concat();
    let open = jobs_of(&produced, Topic::RenderJobCreated)
        .into_iter()
        .find(|job| !ended.contains(job))
        .unwrap();

    let voice = VoiceModelId(derive(&[b"a voice of a tenant that is gone"])).to_string();
    let mut input: Value =
        serde_json::from_str(include_str!("../../events/voice-training/example.json")).unwrap();
    input["tenantId"] = json!(TENANT);
    input["samples"] = json!([format!("s3://{VOICE_BUCKET}/asha.mp3")]);
    let recording = include_bytes!("../../infra/local/fixtures/two-seconds.mp3");
    let put = studio
        .stack
        .clients
        .s3
        .put_object()
        .bucket(VOICE_BUCKET)
        .key("asha.mp3")
        .body(recording.to_vec().into());
    put.send().await.unwrap();
    let start = studio
        .stack
        .clients
        .sfn
        .start_execution()
        .name(&voice)
        .input(input.to_string());
    start
        .state_machine_arn(&studio.stack.outputs.voice_state_machine_arn)
        .send()
        .await
        .unwrap();
    let studio = &*studio;
    until("the voice waits for its owner", async || {
        studio.table().await.contains("awaiting-owner")
    })
    .await;

    let mut poison = created(TENANT, "poison");
    poison["data"]["startsAt"] = json!("Asha says: tomorrow");
    studio.publish(&poison).await;
    until("a record becomes a dead letter", async || {
        !objects(studio, &studio.stack.outputs.dead_letters_bucket_name)
            .await
            .is_empty()
    })
    .await;
    open
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_tenant_leaves_no_data_and_old_events_bring_none_back() {
    let mut studio = Studio::start_with(|options| {
        options.providers = Providers {
            image: "studio-canvas".to_owned(),
            video: "runway".to_owned(),
            audio: "elevenlabs".to_owned(),
            voice: "elevenlabs".to_owned(),
        };
    })
    .await;
    // Another tenant's data stays.
    studio.publish(&created("tenant-stays", "stays")).await;
    studio.produced_for("tenant-stays", 8).await;
    let neighbours = objects(&studio, &studio.stack.outputs.assets_bucket_name).await;
    let open = fill(&mut studio).await;
    let table = studio.table().await;
    assert!(
        PERSONAL.iter().all(|part| table.contains(part)),
        "what is looked for is there before"
    );

    let erase = json!({ "step": "erase-tenant", "tenantId": TENANT });
    let erased = studio.completion(&erase).await;
    assert_eq!(
        (erased["status"].as_str(), erased["jobs"].as_u64()),
        (Some("erasing"), Some(4)),
        "{erased}"
    );
    assert_eq!(
        (erased["voices"].as_u64(), erased["records"].as_u64()),
        (Some(1), Some(1)),
        "{erased}"
    );
    assert_eq!(erased["entities"], 3, "{erased}");
    // The video in progress is cancelled. Its job is not erased as long as a function may still
    // work on it.
    assert_eq!(studio.completion(&erase).await["status"], "erasing");
    studio
        .change_state(&format!("job#{open}"), |job| {
            job["state"]["at"] = json!("2026-11-27T00:00:00.000Z")
        })
        .await;
    let rest = studio.completion(&erase).await;
    assert_eq!(
        (rest["status"].as_str(), rest["jobs"].as_u64()),
        (Some("erased"), Some(1)),
        "{rest}"
    );
    let again = studio.completion(&erase).await;
    let nothing = json!({ "status": "erased", "jobs": 0, "voices": 0, "entities": 0, "decisions": 0, "records": 0 });
    assert_eq!(again, nothing, "nothing is left to be erased");

    // The buckets and the table hold only the other tenant's data.
    assert_eq!(
        objects(&studio, &studio.stack.outputs.assets_bucket_name).await,
        neighbours
    );
    assert!(objects(&studio, VOICE_BUCKET).await.is_empty());
    assert!(
        objects(&studio, &studio.stack.outputs.dead_letters_bucket_name)
            .await
            .is_empty()
    );
    let delete_neighbour = studio
        .completion(&json!({ "step": "erase-tenant", "tenantId": "tenant-stays" }))
        .await;
    assert_eq!(delete_neighbour["jobs"], 2, "the neighbour's was all there");
    let table = studio.table().await;
    for part in PERSONAL {
        assert!(!table.contains(part), "{part} in {table}");
    }
    // The tombstone says what was erased, and when.
    let id = derive(&[TENANT.as_bytes(), b"tenant"]);
    let tombstone = studio
        .item(&format!("tenant#{id}"), "erased")
        .await
        .unwrap();
    assert_eq!(tombstone["jobs"], AttributeValue::N("5".to_owned()));
    assert_eq!(
        tombstone["erased_tenant"],
        AttributeValue::S(TENANT.to_owned())
    );
    assert!(tombstone.contains_key("first_at") && tombstone.contains_key("last_at"));

    // The vendors were asked to delete both tasks, the spoken text and the voice.
    let deleted: Vec<String> = studio
        .stack
        .sandbox
        .calls()
        .iter()
        .filter(|call| call.method == "DELETE")
        .map(|call| call.path.split('/').nth(1).unwrap().to_owned())
        .collect();
    let count = |what: &str| deleted.iter().filter(|path| *path == what).count();
    assert!(
        count("tasks") >= 2 && count("history") == 1 && count("voices") == 1,
        "{deleted:?}"
    );
    assert_eq!(studio.stack.sandbox.voices(), 0);
    // The video in progress is published as cancelled, once.
    let produced = studio.produced_for(TENANT, 20).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobFailed), [open]);

    // The same event again, and another old event: neither has any effect.
    let before = topics(&produced);
    let mut late = created(TENANT, "late");
    late["data"]["eventId"] = json!("event-lanterns");
    late["time"] = json!("2026-11-01T00:00:00.000Z");
    studio.publish(&late).await;
    let same = produced_from(&studio, "lanterns").await;
    studio.publish(&same).await;
    assert_eq!(topics(&studio.produced_for(TENANT, 20).await), before);

    // A tenant that sends new events starts afresh, but its template continues with the revisions
    // that consumers know.
    let mut newer = created(TENANT, "newer");
    newer["data"]["eventId"] = json!("event-lanterns");
    newer["time"] = json!(now());
    studio.publish(&newer).await;
    let produced = studio.produced_for(TENANT, 26).await;
    let revisions: Vec<u64> = produced
        .iter()
        .filter(|record| {
            record.topic == Topic::TemplateUpdated.as_str()
                && record.event()["data"]["kind"] == "poster"
        })
        .map(|record| record.event()["data"]["revision"].as_u64().unwrap())
        .collect();
    assert_eq!(revisions, [2, 3, 4]);
    studio.stop().await;
}

/// The event with this id, as the studio received it from its topic.
async fn produced_from(studio: &Studio, id: &str) -> Value {
    use local::records::{From, Reader};
    let topic = Topic::EventCreated.as_str();
    let mut reader = Reader::start(studio.stack.broker.cluster(), &[topic], From::Beginning)
        .await
        .unwrap();
    let event = loop {
        let event = reader.next().await.unwrap().event();
        if event["id"] == format!("evt-{id}") {
            break event;
        }
    };
    tokio::task::spawn_blocking(move || drop(reader))
        .await
        .unwrap();
    event
}
