//! A painting stays with its entity while only facts change that the canvas sets.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_date_keeps_the_painting_and_costs_nothing() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai,studio-canvas", "", "");
    })
    .await;
    let mut event = poster("tenant-1");
    let mut jobs = Vec::new();
    for (number, (field, value, bought)) in [
        ("title", "Lanterns on the Lake", 1),
        ("startsAt", "2027-01-09T18:30:00+05:30", 1),
        ("title", "Lanterns in the Park", 2),
        // The painting of the first title is still there.
        ("title", "Lanterns on the Lake", 2),
    ]
    .into_iter()
    .enumerate()
    {
        event["id"] = json!(format!("evt-{number}"));
        event["time"] = json!(format!("2026-11-20T10:0{number}:00Z"));
        event["data"][field] = json!(value);
        event["data"].as_object_mut().unwrap().remove("endsAt");
        studio.publish(&event).await;
        let is_made = |seen: &[Produced]| data(seen, Topic::RenderJobCompleted).len() > number;
        let seen = studio
            .produced_until("the poster is made", Duration::from_secs(120), is_made)
            .await;
        let completed = data(seen, Topic::RenderJobCompleted).remove(number);
        assert_eq!(completed["provider"], "openai/gpt-image-2", "{field}");
        assert_eq!(
            paid(&studio, Vendor::OpenAi).len(),
            bought,
            "{number} {field}"
        );
        jobs.push(completed);
    }
    let credits = |job: &Value| job["creditsUsed"].as_u64().unwrap();
    let free: Vec<bool> = jobs.iter().map(|job| credits(job) == 0).collect();
    assert_eq!(free, [false, true, false, true]);
    lost_answers::credits_are_emitted(&studio, jobs.iter().map(credits).sum()).await;

    let show = format!(
        "jobs show --tenant tenant-1 {}",
        jobs[1]["jobId"].as_str().unwrap()
    );
    let shown = cli(&studio, &show).await.text;
    assert!(
        shown.contains("drawn over what openai had painted before"),
        "{shown}"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_painting_is_its_entitys_alone_is_replaced_if_damaged_and_is_erased() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai,studio-canvas", "", "");
    })
    .await;
    let made = async |studio: &mut Studio, id: &str, entity: &str, date: &str| {
        let mut event = poster("tenant-1");
        event["id"] = json!(id);
        event["time"] = json!(format!("2026-11-20T10:0{}:00Z", &id[4..]));
        event["data"]["eventId"] = json!(entity);
        event["data"]["startsAt"] = json!(date);
        event["data"].as_object_mut().unwrap().remove("endsAt");
        studio.publish(&event).await;
        let number: usize = id[4..].parse().unwrap();
        let is_made = |seen: &[Produced]| data(seen, Topic::RenderJobCompleted).len() > number;
        studio
            .produced_until("the poster is made", Duration::from_secs(120), is_made)
            .await;
        paid(studio, Vendor::OpenAi).len()
    };
    let date = "2027-01-09T18:30:00+05:30";
    assert_eq!(made(&mut studio, "evt-0", "event-1", date).await, 1);
    assert_eq!(made(&mut studio, "evt-1", "event-2", date).await, 2);

    let (s3, bucket) = (
        &studio.stack.clients.s3,
        &studio.stack.outputs.assets_bucket_name,
    );
    let listed = s3.list_objects_v2().bucket(bucket).send().await.unwrap();
    let paintings: Vec<String> = listed
        .contents()
        .iter()
        .filter_map(|object| object.key())
        .filter(|key| key.contains("/paintings/"))
        .map(str::to_owned)
        .collect();
    assert_eq!(paintings.len(), 2, "{listed:?}");
    for painting in paintings {
        let put = s3.put_object().bucket(bucket).key(painting);
        put.body(b"no picture".to_vec().into())
            .send()
            .await
            .unwrap();
    }
    let later = "2027-01-10T18:30:00+05:30";
    assert_eq!(made(&mut studio, "evt-2", "event-1", later).await, 3);
    let much_later = "2027-01-11T18:30:00+05:30";
    assert_eq!(
        made(&mut studio, "evt-3", "event-1", much_later).await,
        3,
        "the new painting is kept in place of the damaged one"
    );

    let erase = json!({ "step": "erase-tenant", "tenantId": "tenant-1" });
    assert_eq!(studio.erase(&erase).await["status"], "erasing");
    let bucket = &studio.stack.outputs.assets_bucket_name;
    let left = crate::erase::objects(&studio, bucket).await;
    assert_eq!(left, Vec::<String>::new());
    studio.stop().await;
}
