//! Remainders: what a vendor, a bucket or a CDN refuses to delete is named, and an operator can let
//! the erasure go on without it. A bucket that allows it keeps no version.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use contract::Topic;
use domain::{TenantKey, VoiceState};
use fault_proxy::{Action, Fault, Matches, Occurrence};
use local::deploy::{Providers, VOICE_BUCKET};
use serde_json::{Value, json};
use vendor_sandbox::{Behaviour, Script, Vendor};

use crate::{
    erase::objects,
    harness::{Studio, created, example, jobs_of},
    operator::{CliOutput, studio as cli},
    voices::{input, model_that, studio_that_clones, train, upload, voice_id},
};

const TENANT: &str = "tenant-gone";

async fn erase(studio: &Studio, flags: &str) -> CliOutput {
    cli(
        studio,
        &format!("--json tenants erase {TENANT} --execute --confirm {TENANT}{flags}"),
    )
    .await
}

/// Has ElevenLabs make a spot, and refuse to delete it. Returns the job.
async fn spot_that_is_kept(studio: &mut Studio) -> String {
    let mut campaign = example(Topic::CampaignLaunched, TENANT, "spots");
    campaign["data"]["headline"] = json!("A secret headline");
    campaign["data"]["assets"] = json!(["audio-spot"]);
    studio.publish(&campaign).await;
    let produced = studio.produced_for(TENANT, 4).await;
    studio.stack.sandbox.script(Script {
        vendor: Vendor::ElevenLabs,
        method: Some("DELETE"),
        path_ends: None,
        body_contains: None,
        occurrence: Occurrence::Every,
        behaviour: Behaviour::Answer {
            status: 401,
            headers: Vec::new(),
            body: json!({ "detail": { "status": "missing_permissions", "message": "no" } }),
        },
    });
    jobs_of(&produced, Topic::RenderJobCreated).remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_closes_a_remainder_with_a_reason_and_the_erasure_goes_on() {
    let mut studio = Studio::start_with(|options| {
        options.providers = Providers {
            image: "studio-canvas".to_owned(),
            video: String::new(),
            audio: "elevenlabs".to_owned(),
            voice: String::new(),
        };
    })
    .await;
    let job = spot_that_is_kept(&mut studio).await;
    let remainder = format!("elevenlabs:job:{job}");
    let close = async |remainder: &str, flags: &str| {
        let words = format!("--json tenants close-remainder {TENANT} {remainder} --reason");
        cli(&studio, &format!("{words} gone-with-the-account{flags}")).await
    };
    let is = |said: &CliOutput| said.json()[0]["fate"]["is"].clone();

    // Nothing can be closed that no pass has met.
    let early = close(&remainder, " --execute").await;
    assert_eq!(early.code, Some(3), "{early:?}");
    let first = erase(&studio, " --within 0").await;
    assert_eq!(
        first.json()[0]["fate"]["kept"][0]["item"],
        format!("job:{job}")
    );
    let other = close("runway:job:7", " --execute").await;
    assert_eq!(other.code, Some(3), "{other:?}");

    let dry = close(&remainder, "").await;
    assert_eq!(is(&dry), "would-be-closed", "{dry:?}");
    let still = erase(&studio, " --within 20").await;
    assert_eq!(still.code, Some(4), "a dry run closes nothing: {still:?}");
    for expected in ["closed", "was-closed"] {
        let said = close(&remainder, " --execute").await;
        assert_eq!((said.code, is(&said)), (Some(0), json!(expected)));
    }

    let last = erase(&studio, "").await;
    assert_eq!(last.code, Some(0), "{last:?}");
    let fate = last.json().last().unwrap()["fate"].clone();
    assert_eq!(fate["is"], "erased", "{last:?}");
    let closed = &fate["closed"][0];
    assert_eq!(
        (&closed["keeper"], &closed["reason"]),
        (&json!("elevenlabs"), &json!("gone-with-the-account")),
        "{fate}"
    );
    // It stays on record: who keeps what, why, and since when; and nothing else of the tenant.
    let pk = format!(
        "tenant#{}",
        TenantKey::new(&contract::Identifier::parse(TENANT).unwrap())
    );
    let sk = format!("remainder#elevenlabs#job:{job}");
    let record = studio.item(&pk, &sk).await.unwrap();
    let text = |name: &str| record[name].as_s().unwrap().as_str();
    assert_eq!(
        (text("keeper"), text("item"), text("tenant")),
        ("elevenlabs", &*format!("job:{job}"), TENANT)
    );
    assert_eq!(text("reason"), "gone-with-the-account");
    assert!(text("first_met_at") <= text("closed_at") && text("closed_at") <= text("met_at"));
    assert!(!record.contains_key("expires_at"));
    let table = studio.table().await;
    assert!(!table.contains("A secret headline"), "{table}");
    studio.stop().await;
}

/// A voice of the tenant that waits for its owner, whose training and samples lie in a bucket with
/// versions. One sample was overwritten, one deleted.
async fn voice_with_versions(studio: &Studio) -> String {
    let versioning = VersioningConfiguration::builder()
        .status(BucketVersioningStatus::Enabled)
        .build();
    let s3 = &studio.stack.clients.s3;
    let enable = s3.put_bucket_versioning().bucket(VOICE_BUCKET);
    let enable = enable.versioning_configuration(versioning);
    enable.send().await.unwrap();
    let id = voice_id(1);
    train(studio, &id, &input(TENANT, "professional", 2)).await;
    model_that(studio, &id, "waits for its owner", |s| {
        matches!(s, VoiceState::AwaitingOwner { .. })
    })
    .await;
    upload(studio, TENANT, "1.mp3", b"another recording").await;
    let delete = s3.delete_object().bucket(VOICE_BUCKET);
    let delete = delete.key(format!("{TENANT}/2.mp3"));
    delete.send().await.unwrap();
    // A neighbour's file begins with the same letters.
    upload(studio, TENANT, "1.mp3.of-a-neighbour", b"not of this voice").await;
    assert_eq!(objects(studio, VOICE_BUCKET).await.len(), 6);
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_voice_leaves_no_version_of_its_recordings() {
    let studio = studio_that_clones().await;
    let id = voice_with_versions(&studio).await;
    let erase = format!("--json voices erase --tenant {TENANT} {id} --execute");
    let said = cli(&studio, &erase).await;
    assert_eq!(
        said.json().last().unwrap()["fate"]["is"],
        "erased",
        "{said:?}"
    );
    assert_eq!(
        objects(&studio, VOICE_BUCKET).await,
        [format!("{TENANT}/1.mp3.of-a-neighbour")]
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_forbids_deletion_is_named_and_keeps_the_erasure_open() {
    let studio = studio_that_clones().await;
    let id = voice_with_versions(&studio).await;
    let forbid = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObjectVersion",
            "Resource": format!("arn:aws:s3:::{VOICE_BUCKET}/{TENANT}/1.mp3"),
        }],
    });
    let s3 = &studio.stack.clients.s3;
    let put = s3.put_bucket_policy().bucket(VOICE_BUCKET);
    put.policy(forbid.to_string()).send().await.unwrap();

    for _ in 0..2 {
        let said = erase(&studio, " --within 0").await;
        let fate = said.json()[0]["fate"].clone();
        assert_eq!((said.code, &fate["is"]), (Some(4), &json!("erasing")));
        let kept: Vec<&Value> = fate["kept"].as_array().unwrap().iter().collect();
        assert_eq!(kept.len(), 1, "{fate}");
        assert_eq!(
            (&kept[0]["keeper"], &kept[0]["item"]),
            (&json!(VOICE_BUCKET), &json!(format!("voice:{id}")))
        );
        let told = format!("{VOICE_BUCKET} keeps its copy ({VOICE_BUCKET}:voice:{id})");
        assert!(said.error.contains(&told), "{said:?}");
        // What is forbidden stops nothing else: the other sample and the vendor's voice are gone.
        let left = objects(&studio, VOICE_BUCKET).await;
        assert_eq!(
            left.iter().filter(|key| key.ends_with("/1.mp3")).count(),
            2,
            "{left:?}"
        );
        assert!(!left.iter().any(|key| key.ends_with("/2.mp3")), "{left:?}");
        assert_eq!(studio.stack.sandbox.voices(), 0);
    }
    let alone = format!("voices erase --tenant {TENANT} {id} --execute --within 0");
    let said = cli(&studio, &alone).await;
    assert!(
        said.code == Some(1) && said.error.contains("keeps its copy"),
        "{said:?}"
    );

    let allow = s3.delete_bucket_policy().bucket(VOICE_BUCKET);
    allow.send().await.unwrap();
    let last = erase(&studio, "").await;
    let fate = last.json().last().unwrap()["fate"].clone();
    assert_eq!(
        (&fate["is"], &fate["closed"]),
        (&json!("erased"), &Value::Null)
    );
    assert_eq!(objects(&studio, VOICE_BUCKET).await.len(), 1);
    let model = studio.item(&format!("voice#{id}"), "state").await.unwrap();
    let AttributeValue::S(state) = &model["state"] else {
        panic!("{model:?}")
    };
    assert!(!state.contains(".mp3"), "{state}");
    studio.stop().await;
}

/// Longer than the local stack's `ErasureSettleSeconds`.
const SETTLED: Duration = Duration::from_secs(4);

/// The id of a distribution that the emulator does not have.
const DISTRIBUTION: &str = "EDFDVBD632BHDS5";

fn create_invalidation() -> String {
    format!("POST /2020-05-31/distribution/{DISTRIBUTION}/invalidation")
}

/// Has CloudFront answer with this status.
fn answer_invalidations(studio: &Studio, status: u16, occurrence: Occurrence) {
    studio.stack.proxy.inject(Fault {
        matches: Matches {
            service: Some("cloudfront".to_owned()),
            operation: Some(create_invalidation()),
            occurrence,
            ..Matches::default()
        },
        action: Action::Fail {
            status,
            error: "None".to_owned(),
        },
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_that_may_be_the_last_has_the_cdn_forget_the_folder_or_names_it() {
    let mut studio = Studio::start_with(|options| {
        options.asset_distribution_arn =
            format!("arn:aws:cloudfront::000000000000:distribution/{DISTRIBUTION}");
    })
    .await;
    let proxy = &studio.stack.proxy;
    proxy.keep_bodies("cloudfront", &create_invalidation());
    studio.publish(&created(TENANT, "cdn")).await;
    let produced = studio.produced_for(TENANT, 8).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    let folder = studio.folder_of(&job).await;
    let of_tenant = folder.split('/').nth(1).unwrap();

    // Invocations from before the erasure may still be under way: another pass will follow.
    let early = erase(&studio, " --within 0").await;
    assert_eq!(early.json()[0]["fate"]["kept"], Value::Null, "{early:?}");
    let asked = || {
        let calls = studio.stack.proxy.calls().into_iter();
        let calls = calls.filter(|call| call.operation.service == "cloudfront");
        let bodies = calls.map(|call| call.body.expect("bodies are kept"));
        bodies.collect::<Vec<Arc<str>>>()
    };
    assert!(asked().is_empty());
    tokio::time::sleep(SETTLED).await;

    // The emulator has no such distribution, and that is why the erasure goes on.
    let first = erase(&studio, " --within 0").await;
    let fate = first.json()[0]["fate"].clone();
    assert_eq!((first.code, &fate["is"]), (Some(4), &json!("erasing")));
    let kept = &fate["kept"][0];
    assert_eq!(
        (&kept["keeper"], &kept["item"]),
        (&json!("cloudfront"), &json!("assets")),
        "{fate}"
    );
    let why = kept["why"].as_str().unwrap();
    assert!(why.contains("NoSuchDistribution"), "{why}");

    // Trouble that passes is met again with the same reference, which makes one invalidation.
    answer_invalidations(&studio, 503, Occurrence::First(2));
    answer_invalidations(&studio, 201, Occurrence::Every);
    let last = erase(&studio, "").await;
    let passes = last.json();
    assert_eq!(last.code, Some(0), "{last:?}");
    let fate = passes.last().unwrap()["fate"].clone();
    assert_eq!(
        (&fate["is"], &fate["closed"]),
        (&json!("erased"), &Value::Null)
    );
    let asked = asked();
    let path = format!("<Items><Path>/renders/{of_tenant}/*</Path></Items>");
    assert!(asked.iter().all(|body| body.contains(&path)), "{asked:?}");
    let same = [&asked[2], &asked[3]];
    assert!(same.into_iter().all(|body| *body == asked[1]), "{asked:?}");
    let invalidations: BTreeSet<&Arc<str>> = asked.iter().collect();
    assert_eq!(invalidations.len(), 1 + passes.len(), "one for each pass");
    studio.stop().await;
}
