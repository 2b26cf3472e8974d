//! What stays separate: keys from what is stored, and one tenant from another.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_in_no_log_event_or_item_even_if_the_vendor_repeats_it() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai", "", "");
        options.vendor_patience = Duration::ZERO;
    })
    .await;
    // The test takes the steps itself, where it can read their log.
    studio.let_executions_do_nothing().await;
    let repeats = json!({ "error": { "message": format!("Incorrect API key provided: {KEY}"), "code": "invalid_api_key" } });
    let refusal = Behaviour::Answer {
        status: 401,
        headers: Vec::new(),
        body: repeats,
    };
    studio
        .stack
        .sandbox
        .script(Script::posts(Vendor::OpenAi, Occurrence::Every, refusal));
    studio.publish(&poster("tenant-1")).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let submit =
        json!({ "step": "submit", "jobId": jobs_of(&produced, Topic::RenderJobCreated)[0] });
    let submit = studio.of_execution(&submit).await;

    let completion = studio.stack.outputs.completion_function_name.clone();
    let (answer, log) = invoke_and_log(&studio.stack, &completion, &submit).await;
    assert_eq!(answer, json!({ "status": "waiting", "seconds": 1 }));
    assert!(log.contains("the vendor refuses our key"), "{log}");
    let (answer, more) = invoke_and_log(&studio.stack, &completion, &submit).await;
    assert_eq!(answer, json!({ "status": "closed" }));

    let table = studio.table().await;
    let events: String = studio
        .ended("tenant-1")
        .await
        .iter()
        .map(|record| record.event().to_string())
        .collect();
    // What the vendor said is stored, and published as a failure.
    assert!(table.contains("the vendor refuses our key"), "{table}");
    assert!(events.contains("render-job.failed"), "{events}");
    for text in [log, more, events, table] {
        assert!(!text.contains(KEY), "{text}");
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenants_campaigns_do_not_delay_anothers_video() {
    let many = cases(5, 10);
    let second_tenant = async |all: usize, per_tenant: usize| {
        let mut studio = Studio::start_with(|options| {
            options.providers = providers("studio-canvas", "runway", "");
            options.provider_settings =
                json!({ "runway": { "inFlight": { "all": all, "perTenant": per_tenant } } });
        })
        .await;
        // Like the vendor: two tasks at once, in order of arrival. Those of the first tenant do not
        // end, so that it does not matter how fast this machine is.
        let sandbox = &studio.stack.sandbox;
        sandbox.let_runway_work_on(2);
        let forever = Behaviour::TaskStatus {
            status: "RUNNING".to_owned(),
            polls: u32::MAX,
        };
        sandbox.script(Script {
            body_contains: Some("tenant-many".to_owned()),
            ..Script::posts(Vendor::Runway, Occurrence::Every, forever)
        });
        for number in 0..many {
            let mut event = event_for(Vendor::Runway, "tenant-many");
            event["id"] = json!(format!("evt-many-{number}"));
            event["data"]["campaignId"] = json!(format!("campaign-{number}"));
            studio.publish(&event).await;
        }
        let asked = all.min(per_tenant).min(many);
        until(
            "the many are asked for, as far as they may be",
            async || paid(&studio, Vendor::Runway).len() >= asked,
        )
        .await;

        studio
            .publish(&event_for(Vendor::Runway, "tenant-one"))
            .await;
        // The vendor's work for the first tenant when it receives the second tenant's video.
        let mut before = None;
        until("the second tenant's video is asked for", async || {
            before = paid(&studio, Vendor::Runway)
                .iter()
                .position(|call| String::from_utf8_lossy(&call.body).contains("tenant-one"));
            before.is_some()
        })
        .await;
        if per_tenant == 1 {
            // The vendor has room for it beside the first tenant's.
            let end = "completed by runway/gen4.5; made";
            assert_eq!(end_of(&mut studio, "tenant-one").await, end);
        }
        studio.stop().await;
        before.unwrap()
    };
    let before_it_without = second_tenant(500, 500).await;
    let before_it_with = second_tenant(2, 1).await;
    assert_eq!((before_it_without, before_it_with), (many, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_jobs_beyond_its_bound_fail_instead_of_waiting() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "runway", "");
        options.provider_settings =
            json!({ "runway": { "inFlight": { "all": 10, "perTenant": 1 } } });
        options.most_open_jobs = 2;
    })
    .await;
    let forever = Behaviour::TaskStatus {
        status: "RUNNING".to_owned(),
        polls: u32::MAX,
    };
    let script = Script::posts(Vendor::Runway, Occurrence::Every, forever);
    studio.stack.sandbox.script(script);
    // One is made, one waits. Before, each of the others waited too, and took a step every few
    // seconds for hours.
    for number in 0..5 {
        let mut event = event_for(Vendor::Runway, "tenant-many");
        event["id"] = json!(format!("evt-many-{number}"));
        event["data"]["campaignId"] = json!(format!("campaign-{number}"));
        studio.publish(&event).await;
        // One after another, so that none is as old as another.
        studio.produced_for("tenant-many", 2 * (number + 1)).await;
    }
    let produced = studio.produced_for("tenant-many", 13).await;
    let failed = data(&produced, Topic::RenderJobFailed);
    assert_eq!(failed.len(), 3);
    for failed in &failed {
        assert_eq!(
            (
                &failed["failure"],
                &failed["canResubmit"],
                &failed["attempts"]
            ),
            (&json!("too-many-open"), &json!(true), &json!(0))
        );
    }
    assert_eq!(paid(&studio, Vendor::Runway).len(), 1);
    // Pictures that the canvas draws are not bounded, and neither is another tenant.
    studio
        .publish(&campaign("tenant-many", &["banner-mobile"]))
        .await;
    studio
        .publish(&event_for(Vendor::Runway, "tenant-one"))
        .await;
    until("another tenant's video is asked for", async || {
        paid(&studio, Vendor::Runway).len() == 2
    })
    .await;
    let produced = studio.produced_for("tenant-many", 17).await;
    assert_eq!(data(&produced, Topic::RenderJobCompleted).len(), 1);
    assert_eq!(data(&produced, Topic::RenderJobFailed).len(), 3);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_waits_for_its_turn_fetches_no_logo() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai", "", "");
        options.provider_settings =
            json!({ "openai": { "inFlight": { "all": 1, "perTenant": 1 } } });
    })
    .await;
    let logo = include_bytes!("../../../docs/invitation.png");
    let put = studio.stack.clients.s3.put_object().bucket(LOGO_BUCKET);
    let put = put.key("tenant-waits/logo.png").body(logo.to_vec().into());
    put.send().await.unwrap();
    let slow = Behaviour::Slow(Duration::from_secs(8));
    let script = Script::posts(Vendor::OpenAi, Occurrence::Nth(1), slow);
    studio.stack.sandbox.script(script);
    studio.publish(&poster("tenant-first")).await;
    until("the vendor is busy", async || {
        !paid(&studio, Vendor::OpenAi).is_empty()
    })
    .await;
    let mut event = poster("tenant-waits");
    event["data"]["brand"] = json!({
        "primaryColor": "#1b3a57", "logo": format!("s3://{LOGO_BUCKET}/tenant-waits/logo.png"),
    });
    studio.publish(&event).await;
    for tenant in ["tenant-first", "tenant-waits"] {
        let end = "completed by openai/gpt-image-2; made";
        assert_eq!(end_of(&mut studio, tenant).await, end);
    }
    // The logo once, and each of the two jobs looked once whether a painting is there. Before, the logo
    // was fetched at every look.
    let calls = studio.stack.proxy.calls();
    let fetched = calls
        .iter()
        .filter(|call| call.operation.service == "s3" && call.operation.name == "GetObject");
    assert_eq!(fetched.count(), 3);
    studio.stop().await;
}

#[tokio::test]
async fn the_sandbox_plays_every_vendor_and_settings_name_it() {
    let paid = ProviderId::ALL.into_iter().filter(|one| one.is_paid());
    let vendors: BTreeSet<&str> = paid.map(ProviderId::as_str).collect();
    assert_eq!(BTreeSet::from(Vendor::ALL.map(Vendor::as_str)), vendors);
    // Without an address of the sandbox, a test would ask the vendor itself.
    let settings = Sandbox::start().await.unwrap().settings();
    let addresses: BTreeSet<&str> = settings
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(addresses, vendors);
}
