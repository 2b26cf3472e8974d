//! Turns: what waits for a vendor takes no step and has no execution, tenants have their turns, and
//! a wake-up that is lost is made up for.

use std::time::Instant;

use aws_sdk_dynamodb::types::AttributeValue;

use super::*;
use crate::{
    operator::kill,
    sweep::{NOTHING, sweep},
};

/// How long two busy cores may take for each step with ten thousand videos.
const WITHIN: Duration = Duration::from_secs(30 * 60);

/// A studio whose vendor has two slots, which one tenant may have, and both are taken by what never
/// releases them.
async fn crowded() -> Studio {
    let studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "runway", "");
        options.provider_settings =
            json!({ "runway": { "inFlight": { "all": 2, "perTenant": 2 } } });
        options.most_open_jobs = 0;
    })
    .await;
    leases_are(&studio, taken()).await;
    studio
}

/// Both leases, of another tenant and for ever.
fn taken() -> Value {
    let lease = json!({ "tenant": "tenant-other", "until": "2999-01-01T00:00:00.000Z" });
    json!({
        "00000000-0000-0000-0000-000000000001": lease,
        "00000000-0000-0000-0000-000000000002": lease,
    })
}

/// Has these leases on the vendor be held, each under the id of its holder.
async fn leases_are(studio: &Studio, held: Value) {
    leases_were_taken(studio, held, 2).await;
}

/// Has these leases be held, taken while the vendor had so many slots.
async fn leases_were_taken(studio: &Studio, held: Value, slots: usize) {
    let item = studio.item("provider#runway", "leases").await;
    let version = item.map_or(0, |item| item["version"].as_n().unwrap().parse().unwrap()) + 1_u64;
    let caps = json!({ "in_flight": slots, "per_tenant": slots });
    let state = json!({ "version": version, "held": held, "caps": caps });
    let put = studio.stack.clients.dynamodb.put_item();
    put.table_name(&studio.stack.outputs.table_name)
        .item("pk", AttributeValue::S("provider#runway".to_owned()))
        .item("sk", AttributeValue::S("leases".to_owned()))
        .item("version", AttributeValue::N(version.to_string()))
        .item("state", AttributeValue::S(state.to_string()))
        .send()
        .await
        .unwrap();
}

/// The leases on the vendor as they are in the table, with the caps.
async fn leases(studio: &Studio) -> Value {
    let item = studio.item("provider#runway", "leases").await.unwrap();
    serde_json::from_str(item["state"].as_s().unwrap()).unwrap()
}

/// Asks for so many videos of `tenant`; their jobs.
async fn ask_for_videos(studio: &mut Studio, tenant: &str, videos: usize) -> Vec<String> {
    for number in 0..videos {
        let mut event = event_for(Vendor::Runway, tenant);
        event["id"] = json!(format!("evt-{tenant}-{number}"));
        event["data"]["campaignId"] = json!(format!("{tenant}-{number}"));
        studio.publish(&event).await;
    }
    let opened = |seen: &[Produced]| -> Vec<String> {
        let created = data(seen, Topic::RenderJobCreated).into_iter();
        let created = created.filter(|data| data["tenantId"] == tenant);
        let ids = created.map(|data| data["jobId"].as_str().unwrap().to_owned());
        ids.collect()
    };
    let all = |seen: &[Produced]| opened(seen).len() == videos;
    opened(
        studio
            .produced_until("all videos are asked for", WITHIN, all)
            .await,
    )
}

/// How many jobs wait for the vendor.
async fn waiting(studio: &Studio) -> usize {
    let listed = cli(studio, "--json providers list").await.json();
    let providers = listed[0]["providers"].as_array().unwrap();
    let runway = providers.iter().find(|one| one["provider"] == "runway");
    let waiting = runway.unwrap()["waiting"].as_u64().unwrap();
    usize::try_from(waiting).unwrap()
}

async fn line_is(studio: &Studio, length: usize) {
    let until = Instant::now() + WITHIN;
    while waiting(studio).await != length {
        assert!(Instant::now() < until, "{length} jobs do not wait");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// How a job is in the table: `created`, `completed`.
async fn state_of(studio: &Studio, job: &str) -> String {
    let item = studio.item(&format!("job#{job}"), "state").await.unwrap();
    let state = crate::harness::state_of(&item);
    state["state"]["is"].as_str().unwrap().to_owned()
}

async fn completes(studio: &Studio, jobs: &[String]) {
    until("the videos are made", async || {
        for job in jobs {
            if state_of(studio, job).await != "completed" {
                return false;
            }
        }
        true
    })
    .await;
}

fn starts(studio: &Studio) -> usize {
    let calls = studio.stack.proxy.calls();
    let starts = calls.iter();
    let starts = starts.filter(|call| call.operation.name == "StartExecution");
    starts.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenants_waiting_videos_take_no_step_and_do_not_delay_anothers_three() {
    let many = cases(60, 10_000);
    let mut studio = crowded().await;
    ask_for_videos(&mut studio, "tenant-many", many).await;
    let three = ask_for_videos(&mut studio, "tenant-three", 3).await;
    line_is(&studio, many + 3).await;
    // Before, each was an execution that took a step every few seconds.
    let completion = studio.stack.outputs.completion_function_name.clone();
    let steps = || {
        let calls = studio.stack.proxy.calls();
        let steps = calls.iter();
        let steps = steps.filter(|call| call.function.as_deref() == Some(completion.as_str()));
        steps.count()
    };
    assert_eq!((starts(&studio), steps()), (0, 0));
    let show = format!("jobs show --tenant tenant-three {}", three[0]);
    let shown = cli(&studio, &show).await.text;
    assert!(
        shown.contains("execution   none, it waits for its turn at runway"),
        "{shown}"
    );

    // Nothing was told of these leases: the sweep finds the free slots.
    leases_are(&studio, json!({})).await;
    let swept = studio.completion(&json!({ "step": "sweep" })).await;
    assert_eq!(
        (&swept["woken"], &swept["overdue"]),
        (&json!(2), &json!(0)),
        "{swept}"
    );
    completes(&studio, &three).await;
    let started = starts(&studio);
    let asked = paid(&studio, Vendor::Runway);
    let of = |tenant: &str| {
        let bodies = asked.iter().map(|call| String::from_utf8_lossy(&call.body));
        bodies.filter(|body| body.contains(tenant)).count()
    };
    assert_eq!(of("tenant-three"), 3);
    let before = of("tenant-many");
    assert!(before <= 10, "{before} videos of the other tenant");
    // One for each whose turn came, of which two may not have asked yet.
    assert!(started <= asked.len() + 2, "{started}");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_job_that_is_cancelled_or_waits_for_a_day_leaves_its_line() {
    let mut studio = crowded().await;
    let jobs = ask_for_videos(&mut studio, "tenant-waits", 3).await;
    line_is(&studio, 3).await;
    assert_eq!(
        sweep(&studio).await,
        [0; 7],
        "there is nothing to do for it"
    );

    let cancel = json!({ "step": "cancel", "jobId": jobs[0] });
    assert_eq!(studio.completion(&cancel).await["status"], "closed");
    line_is(&studio, 2).await;

    let in_hours = |hours: i64| {
        let time = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        json!(contract::Time::new(time))
    };
    // Its wait ends then, however old it is.
    for (job, hours) in [(&jobs[1], -1), (&jobs[2], 1)] {
        let change = |job: &mut Value| {
            job["created_at"] = in_hours(-30);
            job["deadline"] = in_hours(hours);
        };
        studio.change_state(&format!("job#{job}"), change).await;
    }
    let_deadlines_pass(&studio).await;
    assert_eq!(sweep(&studio).await, [2, 1, 0, 0, 1, 0, 0]);
    let produced = studio.produced_for("tenant-waits", 8).await;
    let failed: Vec<(Value, Value)> = data(&produced, Topic::RenderJobFailed)
        .into_iter()
        .map(|data| (data["jobId"].clone(), data["failure"].clone()))
        .collect();
    let expected = [
        (json!(jobs[0]), json!("cancelled")),
        (json!(jobs[1]), json!("timeout")),
    ];
    assert_eq!(failed, expected);
    assert_eq!(state_of(&studio, &jobs[2]).await, "created");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wake_up_that_dies_anywhere_is_made_up_for() {
    let mut studio = crowded().await;
    let completion = studio.stack.outputs.completion_function_name.clone();
    for (number, (service, operation, moment)) in [
        ("dynamodb", "PutItem", Moment::After),     // it has the lease
        ("dynamodb", "DeleteItem", Moment::Before), // it does not wait any more
        ("states", "StartExecution", Moment::Before),
        ("states", "StartExecution", Moment::After),
    ]
    .into_iter()
    .enumerate()
    {
        let tenant = format!("tenant-{number}");
        leases_are(&studio, taken()).await;
        let video = ask_for_videos(&mut studio, &tenant, 1).await;
        line_is(&studio, 1).await;
        leases_are(&studio, json!({})).await;
        let hits = kill(&studio, &completion, (service, operation), moment);
        let wake = json!({ "step": "sweep" });
        let (answer, _) = try_to_invoke(&studio.stack, &completion, &wake).await;
        studio.stack.proxy.heal();
        assert!(
            answer.is_err() && hits.count() == 1,
            "{operation} {answer:?}"
        );

        // Its lease runs out, and its deadline passes.
        leases_are(&studio, json!({})).await;
        let_deadlines_pass(&studio).await;
        sweep(&studio).await;
        completes(&studio, &video).await;
        sweep(&studio).await;
        line_is(&studio, 0).await;
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_that_takes_longer_than_a_step_gives_out_slots_is_given_whole() {
    let mut studio = crowded().await;
    let completion = studio.stack.outputs.completion_function_name.clone();
    let mut jobs = ask_for_videos(&mut studio, "tenant-slow", 2).await;
    line_is(&studio, 2).await;
    leases_are(&studio, json!({})).await;
    // The lease, the job and the start take twelve seconds together. A step begins no turn after ten.
    let slow =
        [("dynamodb", "PutItem"), ("states", "StartExecution")].map(|(service, operation)| {
            studio.stack.proxy.inject(Fault {
                matches: Matches {
                    service: Some(service.to_owned()),
                    operation: Some(operation.to_owned()),
                    function: Some(completion.clone()),
                    ..Matches::default()
                },
                action: fault_proxy::Action::Delay(Duration::from_secs(4)),
            })
        });
    let cancel = json!({ "step": "cancel", "jobId": jobs.remove(0) });
    assert_eq!(studio.completion(&cancel).await["status"], "closed");
    studio.stack.proxy.heal();
    assert!(slow[0].count() >= 2 && slow[1].count() == 1, "{slow:?}");
    // No sweep runs here: a turn that is given by half has a slot and no execution.
    completes(&studio, &jobs).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_tells_render_of_caps_that_a_deployment_raised() {
    let studio = crowded().await;
    leases_were_taken(&studio, taken(), 1).await;
    assert_eq!(sweep(&studio).await, NOTHING);
    let leases = leases(&studio).await;
    assert_eq!(leases["caps"], json!({ "in_flight": 2, "per_tenant": 2 }));
    assert_eq!(leases["held"], taken(), "and changes no lease");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_job_whose_turn_had_just_come_gives_its_slot_to_the_next() {
    let mut studio = crowded().await;
    // The test takes the step of its execution.
    studio.let_executions_do_nothing().await;
    let video = ask_for_videos(&mut studio, "tenant-erased", 1)
        .await
        .remove(0);
    line_is(&studio, 1).await;
    let mut one = taken();
    one.as_object_mut()
        .unwrap()
        .retain(|id, _| id.ends_with('1'));
    leases_are(&studio, one).await;
    assert_eq!(sweep(&studio).await, NOTHING);
    line_is(&studio, 0).await;

    let erase = json!({ "step": "erase-tenant", "tenantId": "tenant-erased" });
    assert_eq!(studio.erase(&erase).await["status"], "erasing");
    let held = leases(&studio).await["held"].clone();
    assert!(
        held.get(&video).is_some(),
        "erase knows no slot of it: {held}"
    );
    let next = ask_for_videos(&mut studio, "tenant-next", 1)
        .await
        .remove(0);
    line_is(&studio, 1).await;

    let submit = json!({ "step": "submit", "jobId": video });
    assert_eq!(studio.completion(&submit).await["status"], "stored");
    line_is(&studio, 0).await;
    let held = leases(&studio).await["held"].clone();
    assert!(
        held.get(&next).is_some() && held.get(&video).is_none(),
        "{held}"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_died_after_it_stored_a_video_releases_the_slot_when_it_is_repeated() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("studio-canvas", "runway", ""))
            .await;
    let completion = studio.stack.outputs.completion_function_name.clone();
    let first = ask_for_videos(&mut studio, "tenant-1", 1).await;
    completes(&studio, &first).await;
    let writes_until_stored = {
        let calls = studio.stack.proxy.calls().into_iter();
        let calls = calls.filter(|call| call.function.as_deref() == Some(&*completion));
        let until_uploaded = calls.take_while(|call| call.operation.name != "PutObject");
        let before = until_uploaded.filter(|call| call.operation.name == "PutItem");
        u32::try_from(before.count()).unwrap() + 1
    };
    let hits = studio.stack.proxy.inject(Fault {
        matches: Matches {
            service: Some("dynamodb".to_owned()),
            operation: Some("PutItem".to_owned()),
            function: Some(completion),
            occurrence: Occurrence::Nth(writes_until_stored),
            ..Matches::default()
        },
        action: fault_proxy::Action::KillCaller(Moment::After),
    });
    let second = ask_for_videos(&mut studio, "tenant-2", 1).await;
    completes(&studio, &second).await;
    assert_eq!(hits.count(), 1);
    until("the slot is free", async || {
        leases(&studio).await["held"] == json!({})
    })
    .await;
    studio.stop().await;
}
