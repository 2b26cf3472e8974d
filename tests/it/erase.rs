//! Erasing a tenant: here, in the buckets and at the vendors. Only a record of the erasure is left.

use aws_sdk_dynamodb::types::AttributeValue;
use contract::Topic;
use domain::{VoiceModelId, derive};
use fault_proxy::{Moment, Occurrence};
use local::{
    deploy::{Providers, VOICE_BUCKET},
    records::Produced,
};
use serde_json::{Value, json};
use vendor_sandbox::{Behaviour, Script, Vendor};

use crate::{
    harness::{Studio, created, example, jobs_of, now, topics, until},
    messages::{deliver, none_kept, take},
    operator::{CliOutput, OPERATOR, kill, studio as cli},
    voices::{start, upload_training},
};

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
pub async fn objects(studio: &Studio, bucket: &str) -> Vec<String> {
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
    input["samples"] = json!([format!("s3://{VOICE_BUCKET}/{TENANT}/asha.mp3")]);
    let put = studio
        .stack
        .clients
        .s3
        .put_object()
        .bucket(VOICE_BUCKET)
        .key(format!("{TENANT}/asha.mp3"))
        .body(vendor_sandbox::SPEECH.to_vec().into());
    put.send().await.unwrap();
    upload_training(studio, TENANT, &voice, &input).await;
    start(studio, &voice, &json!({ "tenantId": TENANT })).await;
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

/// Runs `studio tenants erase` for a tenant, and confirms it if it is to be done.
async fn erase(studio: &Studio, tenant: &str, flags: &str) -> CliOutput {
    let flags = flags.replace("--execute", &format!("--execute --confirm {tenant}"));
    cli(studio, &format!("--json tenants erase {tenant}{flags}")).await
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
    assert_eq!(neighbours.len(), 2, "{neighbours:?}");
    let open = fill(&mut studio).await;
    let table = studio.table().await;
    assert!(
        PERSONAL.iter().all(|part| table.contains(part)),
        "what is looked for is there before"
    );

    // Without `--execute`, the command counts what there is and changes nothing.
    let files = objects(&studio, &studio.stack.outputs.assets_bucket_name).await;
    for _ in 0..2 {
        let dry = erase(&studio, TENANT, "").await;
        assert_eq!(
            (dry.code, &dry.json()[0]["fate"]["is"]),
            (Some(0), &json!("would-be-erased"))
        );
        let data = dry.json()[0]["fate"]["data"].clone();
        assert_eq!(
            (
                &data["jobs"],
                &data["voices"],
                &data["entities"],
                &data["deadLetters"]
            ),
            (&json!(5), &json!(1), &json!(3), &json!(1)),
            "{data}"
        );
        assert!(data["outboxEntries"].as_u64() > Some(0), "{data}");
    }
    assert_eq!(
        objects(&studio, &studio.stack.outputs.assets_bucket_name).await,
        files
    );
    assert!(files.len() > neighbours.len(), "{files:?}");
    // Without the tenant's name once more, or with another's, nothing is done.
    for flags in ["--execute", "--execute --confirm tenant-stays"] {
        let refused = cli(&studio, &format!("tenants erase {TENANT} {flags}")).await;
        assert_eq!(refused.code, Some(3), "{refused:?}");
        assert!(refused.error.contains(TENANT), "{refused:?}");
    }
    let tombstone = format!("tenant#{}", derive(&[TENANT.as_bytes(), b"tenant"]));
    assert!(studio.item(&tombstone, "erased").await.is_none());

    // The video in progress is cancelled. Its job is not erased as long as a function may still
    // work on it.
    let first = erase(&studio, TENANT, " --execute --within 0").await;
    let fate = first.json()[0]["fate"].clone();
    assert_eq!(
        (first.code, &fate["is"]),
        (Some(4), &json!("erasing")),
        "{first:?}"
    );
    assert!(
        first.error.contains("run the same command again"),
        "{first:?}"
    );
    let (data, left) = (&fate["data"], &fate["left"]);
    assert_eq!(
        (
            &data["jobs"],
            &data["voices"],
            &data["entities"],
            &data["deadLetters"]
        ),
        (&json!(0), &json!(0), &json!(3), &json!(1)),
        "{data}"
    );
    // A function may still store the file of any job, or the text for the voice's owner, so all are
    // looked at again.
    assert_eq!(
        (&left["jobs"], &left["voices"]),
        (&json!(5), &json!(1)),
        "{left}"
    );
    // The function `operator` dies after a pass: the pass is done, and the next one goes on.
    let hits = kill(&studio, OPERATOR, ("lambda", "Invoke"), Moment::After);
    let killed = erase(&studio, TENANT, " --execute --within 0").await;
    studio.stack.proxy.heal();
    assert_eq!((hits.count(), killed.code), (1, Some(1)), "{killed:?}");

    // The command repeats the step by itself until nothing is left.
    let last_pass = async || studio.item(&tombstone, "erased").await.unwrap()["last_at"].clone();
    let before = last_pass().await;
    let (rest, ()) = tokio::join!(erase(&studio, TENANT, " --execute"), async {
        until("a pass left the job", async || last_pass().await != before).await;
        let long_ago = |job: &mut Value| job["state"]["at"] = json!("2026-11-27T00:00:00.000Z");
        studio.change_state(&format!("job#{open}"), long_ago).await;
    });
    let passes = rest.json();
    // Only a pass that finds nothing answers `erased`.
    assert_eq!((rest.code, passes.len()), (Some(0), 3), "{rest:?}");
    assert!(rest.error.contains(", 0 voices, 0 entities"), "{rest:?}");
    let is: Vec<&Value> = passes.iter().map(|pass| &pass["fate"]["is"]).collect();
    assert_eq!(is, ["erasing", "erasing", "erased"]);
    // Until the erasure is settled no job is erased. The record of the erasure counts all five.
    assert!(
        passes[1]["fate"]["data"]["jobs"].as_u64() >= Some(1),
        "{rest:?}"
    );
    let again = erase(&studio, TENANT, " --execute").await;
    let nothing = json!({
        "jobs": 0, "voices": 0, "entities": 0, "outboxEntries": 0, "deadLetters": 0,
    });
    assert_eq!(
        again.json().last(),
        Some(&json!({ "tenant": TENANT, "fate": { "is": "erased", "data": nothing } })),
        "nothing is left to be erased"
    );
    let said = cli(&studio, &format!("tenants erase {TENANT}")).await;
    assert!(
        said.text.starts_with("Nothing of tenant-gone is stored."),
        "{said:?}"
    );

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
    let neighbour = erase(&studio, "tenant-stays", " --execute").await;
    let erased = neighbour.json();
    let erased = erased
        .iter()
        .filter_map(|pass| pass["fate"]["data"]["jobs"].as_u64());
    assert_eq!(erased.sum::<u64>(), 2, "the neighbour's was all there");
    let table = studio.table().await;
    for part in PERSONAL {
        assert!(!table.contains(part), "{part} in {table}");
    }
    // The tombstone says what was erased, and when.
    let tombstone = studio.item(&tombstone, "erased").await.unwrap();
    assert_eq!(tombstone["jobs"], AttributeValue::N("5".to_owned()));
    assert_eq!(
        tombstone["erased_tenant"],
        AttributeValue::S(TENANT.to_owned())
    );
    assert!(tombstone.contains_key("first_at") && tombstone.contains_key("last_at"));

    // The vendors were asked to delete both tasks, the spoken text and the voice; in each pass anew,
    // until the erasure is settled.
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
        count("tasks") >= 2 && count("history") >= 1 && count("voices") == 1,
        "{deleted:?}"
    );
    assert_eq!(studio.stack.sandbox.voices(), 0);
    // The video in progress is published as cancelled, once, and without its user.
    let produced = studio.produced_for(TENANT, 20).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobFailed), [open]);
    let failed = |record: &&Produced| record.topic == Topic::RenderJobFailed.as_str();
    let failed = produced.iter().find(failed).unwrap().event();
    assert_eq!(failed["data"]["userId"], "studio-svc");

    // The same event again, another old event, and an old event about an entity that the studio
    // never saw: none has any effect.
    let mut unseen = created(TENANT, "unseen");
    unseen["time"] = json!("2026-11-01T00:00:00.000Z");
    studio.publish(&unseen).await;
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
    assert!(!studio.table().await.contains("event-unseen"));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_waits_for_no_withheld_end_and_one_that_is_told_later_names_no_person() {
    let mut studio = Studio::start().await;
    studio.hold_the_queue().await;
    studio.publish(&created(TENANT, "lanterns")).await;
    let produced = studio.produced_for(TENANT, 4).await;
    let jobs = jobs_of(&produced, Topic::RenderJobCreated);
    let message = take(&studio, 1).await.remove(0).body;

    erase(&studio, TENANT, " --execute --within 0").await;
    for job in &jobs {
        let long_ago = |job: &mut Value| job["state"]["at"] = json!("2026-11-27T00:00:00.000Z");
        studio.change_state(&format!("job#{job}"), long_ago).await;
    }
    let last = erase(&studio, TENANT, " --execute").await;
    let answers = last.json();
    let fate = &answers.last().unwrap()["fate"];
    assert_eq!(fate["is"], "erased", "{last:?}");
    assert_eq!(studio.produced_for(TENANT, 4).await.len(), 4);

    assert_eq!(deliver(&studio, &[message]).await, none_kept());
    let produced = studio.produced_for(TENANT, 6).await;
    assert_eq!(jobs_of(&produced, Topic::RenderJobFailed), jobs);
    let failed = |record: &&Produced| record.topic == Topic::RenderJobFailed.as_str();
    for record in produced.iter().filter(failed) {
        let event = record.event();
        assert_eq!(event["data"]["userId"], "studio-svc");
        let said = event.to_string();
        assert!(PERSONAL.iter().all(|part| !said.contains(part)), "{said}");
    }
    let table = studio.table().await;
    for part in PERSONAL {
        assert!(!table.contains(part), "{part} in {table}");
    }
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
