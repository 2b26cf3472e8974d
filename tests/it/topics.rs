//! The events of every consumed topic, alone and together.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use chaos::Chance;
use contract::{AssetKind, MediaType, Topic};
use local::{deploy::LOGO_BUCKET, records::Produced};
use serde_json::{Value, json};

use crate::harness::{
    Studio, by_id, cases, created, created_comes_before_the_end, example, fetch, jobs_of, size_of,
    topics,
};

/// The asset of each completed job, with its language if it has one, and the URL of its file.
fn completed(produced: &[Produced]) -> BTreeMap<String, String> {
    let created: BTreeMap<String, Value> = produced
        .iter()
        .filter(|record| record.topic == Topic::RenderJobCreated.as_str())
        .map(|record| record.event()["data"].clone())
        .map(|data| (data["jobId"].as_str().unwrap().to_owned(), data))
        .collect();
    let completed = produced
        .iter()
        .filter(|record| record.topic == Topic::RenderJobCompleted.as_str());
    let assets = completed.map(|record| {
        let data = &record.event()["data"];
        let job = &created[data["jobId"].as_str().unwrap()];
        let language = job["locale"]
            .as_str()
            .map_or_else(String::new, |locale| format!("/{locale}"));
        (
            format!("{}{language}", job["asset"].as_str().unwrap()),
            data["outputUrl"].as_str().unwrap().to_owned(),
        )
    });
    assets.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_topics_example_ends_with_all_its_assets_stored_and_published() {
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    let consumed: Vec<Topic> = Topic::consumed().collect();
    for topic in &consumed {
        let tenant = format!("tenant of {topic}");
        studio.publish(&example(*topic, &tenant, &tenant)).await;
    }
    for topic in consumed {
        let tenant = format!("tenant of {topic}");
        let event = example(topic, &tenant, "");
        let languages = event["data"]["translations"].as_array().map_or(0, Vec::len);
        // The example's campaign has no channel that needs a video or a spot.
        let kinds = AssetKind::made_for(topic)
            .iter()
            .filter(|kind| kind.media_type() == MediaType::Image);
        let names: BTreeSet<String> = kinds
            .flat_map(|kind| {
                let translated = event["data"]["translations"]
                    .as_array()
                    .into_iter()
                    .flatten();
                let of_translations = translated
                    .map(|t| format!("{}/{}", kind.as_str(), t["locale"].as_str().unwrap()));
                of_translations
                    .chain([kind.as_str().to_owned()])
                    .collect::<Vec<_>>()
            })
            .collect();
        let produced = studio.produced_for(&tenant, names.len() * 4).await;
        let each = [
            Topic::TemplateCreated,
            Topic::RenderJobCreated,
            Topic::RenderJobCompleted,
            Topic::TemplateUpdated,
        ];
        let expected: BTreeMap<_, _> = each
            .iter()
            .map(|topic| (topic.as_str().to_owned(), names.len()))
            .collect();
        assert_eq!(topics(&produced), expected, "{topic}");
        assert_eq!(produced.len(), names.len() * 4, "{topic}: nothing twice");
        created_comes_before_the_end(&produced);

        let completed = completed(&produced);
        assert_eq!(
            completed.keys().cloned().collect::<BTreeSet<_>>(),
            names,
            "{topic}, in {languages} more languages"
        );
        for (name, url) in completed {
            let kind = AssetKind::ALL
                .into_iter()
                .find(|kind| name.split('/').next() == Some(kind.as_str()))
                .unwrap();
            assert_eq!(
                Some(size_of(&fetch(&studio, &url).await)),
                kind.size(),
                "{topic}: {name}"
            );
        }
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_many_tenants_in_any_order_end_in_one_right_template_per_kind() {
    let (tenants, events) = (cases(10, 50), cases(40, 100));
    // The facts change every ten versions, so most events change nothing. Each tenant's events are
    // half of each topic, with versions counting up in each half.
    let last = events / 20;
    let mut studio = Studio::on_apache_kafka(|_| {}).await;
    // Only the decisions are under test, not thousands of renders.
    studio.hold_the_queue().await;

    let event = |tenant: usize, number: usize| {
        let version = number / 2 + 1;
        let facts = version.div_ceil(10);
        let mut event = created(&format!("tenant-{tenant}"), "shared");
        event["id"] = json!(format!("evt-{tenant}-{number}"));
        event["data"]["version"] = json!(version);
        event["data"]["title"] = json!(format!("Created {facts}"));
        event["data"]["organizer"] = json!(format!("Organizer {facts}"));
        if number % 2 == 1 {
            event["type"] = json!(Topic::EventPublished.as_str());
            event["data"]["title"] = json!(format!("Published {facts}"));
            event["data"].as_object_mut().unwrap().remove("organizer");
        }
        event
    };
    // Each tenant's events are shuffled, and the events of all tenants are interleaved.
    let mut orders: Vec<Vec<usize>> = (0..tenants)
        .map(|tenant| {
            let mut order: Vec<usize> = (0..events).collect();
            Chance::of(tenant as u64).shuffle(&mut order);
            order
        })
        .collect();
    for _ in 0..events {
        let round: Vec<Value> = orders
            .iter_mut()
            .enumerate()
            .map(|(tenant, order)| event(tenant, order.pop().unwrap()))
            .collect();
        futures::future::join_all(round.iter().map(|event| studio.publish(event))).await;
    }
    let kinds = AssetKind::made_for(Topic::EventCreated)
        .iter()
        .chain(AssetKind::made_for(Topic::EventPublished))
        .count();
    let is_final = |template: &Value| {
        let configuration = &template["configuration"];
        configuration["title"] == format!("Published {last}")
            && configuration["organizer"] == format!("Organizer {last}")
    };
    let what =
        "each tenant has each kind of template with the configuration that was published last";
    let produced = studio.produced_until(what, Duration::from_secs(1200), |produced| {
        let newest = newest_templates(produced);
        newest.len() == tenants * kinds && newest.values().all(is_final)
    });
    by_id(produced.await);
    studio.stop().await;
}

/// The template with the highest revision for each tenant and kind, as a consumer keeps it. Fails
/// if there are two of a kind.
fn newest_templates(produced: &[Produced]) -> BTreeMap<(String, String), Value> {
    let mut newest: BTreeMap<(String, String), Value> = BTreeMap::new();
    for record in produced {
        let data = record.event()["data"].take();
        let (Some(kind), Some(revision)) = (data["kind"].as_str(), data["revision"].as_u64())
        else {
            continue;
        };
        let key = (
            data["tenantId"].as_str().unwrap().to_owned(),
            kind.to_owned(),
        );
        let known = newest.get(&key);
        assert!(
            known.is_none_or(|known| known["templateId"] == data["templateId"]),
            "two templates of {key:?}"
        );
        if known.is_none_or(|known| known["revision"].as_u64() < Some(revision)) {
            newest.insert(key, data);
        }
    }
    newest
}

/// A PNG without its label, which names its job: the chunk behind the first one.
fn without_label(png: &[u8]) -> Vec<u8> {
    let (head, label) = png.split_at(8 + 25);
    assert_eq!(
        label[4..].split(|byte| *byte == 0).next(),
        Some(&b"iTXtXML:com.adobe.xmp"[..])
    );
    let length = u32::from_be_bytes(*label.first_chunk().unwrap());
    let rest = &label[12 + usize::try_from(length).unwrap()..];
    [head, rest].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logo_comes_only_from_the_logo_bucket_and_a_video_needs_a_provider() {
    let mut studio = Studio::start().await;
    let logo = include_bytes!("../../docs/poster.png");
    let put = studio
        .stack
        .clients
        .s3
        .put_object()
        .bucket(LOGO_BUCKET)
        .key("branded/logo.png")
        .body(logo.to_vec().into());
    put.send().await.unwrap();
    let put = studio
        .stack
        .clients
        .s3
        .put_object()
        .bucket(LOGO_BUCKET)
        .key("no-picture/logo.txt")
        .body(b"logo".to_vec().into());
    put.send().await.unwrap();
    let with_logo = |tenant: &str, logo: Option<String>| {
        let mut event = created(tenant, "logo");
        event["data"]["assets"] = json!(["poster"]);
        if let Some(logo) = logo {
            event["data"]["brand"] = json!({ "primaryColor": "#1b3a57", "logo": logo });
        } else {
            event["data"]["brand"] = json!({ "primaryColor": "#1b3a57" });
        }
        event
    };
    let address = |key: &str| Some(format!("s3://{LOGO_BUCKET}/{key}"));

    // One template with the logo, without it, and with it again: a picture depends on its entity,
    // too, so only pictures of one entity show what the logo does.
    let mut pictures: Vec<Vec<u8>> = Vec::new();
    let mut seen = BTreeSet::new();
    for (version, logo) in [
        (1, address("branded/logo.png")),
        (2, None),
        (3, address("branded/logo.png")),
    ] {
        let mut event = with_logo("branded", logo);
        event["id"] = json!(format!("evt-branded-{version}"));
        event["data"]["version"] = json!(version);
        studio.publish(&event).await;
        let produced = studio.produced_for("branded", 4 * version).await;
        let url = produced.iter().find_map(|record| {
            let url = record.event()["data"]["outputUrl"].as_str()?.to_owned();
            seen.insert(url.clone()).then_some(url)
        });
        let picture = fetch(&studio, &url.expect("a new picture")).await;
        pictures.push(without_label(&picture));
    }
    assert!(pictures[0] == pictures[2], "one content, one picture");
    assert!(pictures[0] != pictures[1], "the logo is not in the picture");

    let elsewhere = format!("s3://{}/x.png", studio.stack.outputs.assets_bucket_name);
    for (tenant, logo, reason) in [
        (
            "elsewhere",
            elsewhere.clone(),
            format!("{}.", not_its_own(&elsewhere)),
        ),
        (
            "absent",
            address("absent/absent.png").unwrap(),
            format!("There is no logo at s3://{LOGO_BUCKET}/absent/absent.png."),
        ),
    ] {
        studio.publish(&with_logo(tenant, Some(logo))).await;
        let produced = studio.produced_for(tenant, 3).await;
        let failed = failed(&produced);
        assert_eq!(failed["failure"], "invalid-input");
        assert_eq!(
            failed["reason"],
            format!("{reason} Change that, and the studio renders it again.")
        );
    }

    // One that cannot be drawn is left out, and both events that have the picture say so.
    studio
        .publish(&with_logo("no-picture", address("no-picture/logo.txt")))
        .await;
    let produced = studio.produced_for("no-picture", 4).await;
    let data = produced.iter().map(|record| record.event()["data"].clone());
    let adjusted: Vec<Value> = data
        .flat_map(|data| [data["adjusted"].clone(), data["asset"]["adjusted"].clone()])
        .filter(|adjusted| !adjusted.is_null())
        .collect();
    let left_out = json!([{
        "field": "brand.logo",
        "what": "left-out",
        "reason": "its file is no PNG, JPEG, WebP or SVG",
    }]);
    assert_eq!(adjusted, [left_out.clone(), left_out]);

    let mut campaign = example(Topic::CampaignLaunched, "filmed", "filmed");
    campaign["data"]["assets"] = json!(["video"]);
    studio.publish(&campaign).await;
    let produced = studio.produced_for("filmed", 3).await;
    let failed = failed(&produced);
    assert_eq!(
        (&failed["failure"], &failed["asset"], &failed["provider"]),
        (&json!("not-configured"), &json!("video"), &json!("none"))
    );
    assert_eq!(failed["canResubmit"], true);
    assert_eq!(
        jobs_of(&produced, Topic::RenderJobCompleted),
        Vec::<String>::new()
    );
    studio.stop().await;
}

/// What the studio says of an object that is not the tenant's own.
fn not_its_own(object: &str) -> String {
    format!(
        "The studio may not read {object}: a tenant's own files lie under `{{tenantId}}/` in the buckets \
         that it reads"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_learns_nothing_of_another_tenants_logo_and_draws_none() {
    let mut studio = Studio::start().await;
    let logo = include_bytes!("../../docs/poster.png");
    let large = vec![0; 3 * 1024 * 1024];
    for (key, bytes) in [
        ("tenant-b/private.png", &logo[..]),
        ("tenant-b/large.png", &large[..]),
        ("tenant-ab/logo.png", &logo[..]),
        ("logo.png", &logo[..]),
    ] {
        let put = studio.stack.clients.s3.put_object().bucket(LOGO_BUCKET);
        let put = put.key(key).body(bytes.to_vec().into());
        put.send().await.unwrap();
    }
    // Before, the first was drawn into tenant-a's poster, and the others differed in their
    // sentence: so many bytes, or that there is none.
    let keys = [
        "tenant-b/private.png",
        "tenant-b/large.png",
        "tenant-b/absent.png",
        "tenant-a/../tenant-b/private.png",
        "tenant-ab/logo.png",
        "logo.png",
    ];
    for (number, key) in keys.into_iter().enumerate() {
        let address = format!("s3://{LOGO_BUCKET}/{key}");
        let mut event = created("tenant-a", &format!("logo-{number}"));
        event["data"]["assets"] = json!(["poster"]);
        event["data"]["brand"] = json!({ "primaryColor": "#1b3a57", "logo": address });
        studio.publish(&event).await;
        let produced = studio.produced_for("tenant-a", 3 * (number + 1)).await;
        let mut reasons = produced
            .iter()
            .filter(|record| record.topic == Topic::RenderJobFailed.as_str())
            .map(|record| record.event()["data"]["reason"].clone());
        let expected = json!(format!(
            "{}. Change that, and the studio renders it again.",
            not_its_own(&address)
        ));
        assert!(reasons.any(|reason| reason == expected), "{key}");
        assert!(jobs_of(&produced, Topic::RenderJobCompleted).is_empty());
    }
    let asked = studio.stack.proxy.calls();
    let asked = asked
        .iter()
        .filter(|call| call.operation.service == "s3" && call.operation.name == "GetObject");
    assert_eq!(asked.count(), 0, "S3 was not asked");
    studio.stop().await;
}

/// The data of the only failure among `produced`.
fn failed(produced: &[Produced]) -> Value {
    let mut failed = produced
        .iter()
        .filter(|record| record.topic == Topic::RenderJobFailed.as_str());
    let data = failed.next().expect("a failure").event()["data"].clone();
    assert!(failed.next().is_none(), "one failure");
    data
}
