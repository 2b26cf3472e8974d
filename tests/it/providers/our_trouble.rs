//! Trouble at AWS, and kills, while a vendor is asked or works: what is paid for is stored.

use super::{lost_answers::credits_are_emitted, *};

#[tokio::test(flavor = "multi_thread")]
async fn trouble_at_secrets_manager_closes_no_vendor_and_fails_no_job() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("openai", "", "")).await;
    // As many failures as the SDK makes tries, so that the function sees the error.
    let mut matches = calls_of("secretsmanager", "GetSecretValue", Occurrence::First(3));
    matches.body_contains = Some("studio/local/openai".to_owned());
    let hits = studio.stack.proxy.inject(Fault {
        matches,
        action: fails(500, "InternalServiceError"),
    });
    studio.publish(&event_for(Vendor::OpenAi, "tenant-1")).await;
    assert_eq!(
        end_of(&mut studio, "tenant-1").await,
        "completed by openai/gpt-image-2; transient, made"
    );
    assert_eq!(hits.count(), 3);
    assert_eq!(paid(&studio, Vendor::OpenAi).len(), 1);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_secret_of_the_assets_paths_a_job_waits_and_does_not_fail() {
    let mut studio = Studio::start().await;
    // The init phase does without it, and the message is put off twice.
    let mut matches = calls_of("secretsmanager", "GetSecretValue", Occurrence::First(9));
    matches.body_contains = Some("studio/local/asset-paths".to_owned());
    let hits = studio.stack.proxy.inject(Fault {
        matches,
        action: fails(500, "InternalServiceError"),
    });
    studio.publish(&poster("tenant-1")).await;
    assert_eq!(
        end_of(&mut studio, "tenant-1").await,
        "completed by studio-canvas; made"
    );
    assert_eq!(hits.count(), 9);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spot_whose_storing_is_killed_anywhere_is_stored_and_paid_for_once() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("studio-canvas", "", "polly"))
            .await;
    for (number, (operation, moment)) in [
        ("CopyObject", Moment::Before),
        ("CopyObject", Moment::After),
        ("DeleteObject", Moment::Before),
        ("DeleteObject", Moment::After),
    ]
    .into_iter()
    .enumerate()
    {
        studio.stack.proxy.heal();
        studio.stack.sandbox.clear();
        let hits = studio.stack.proxy.inject(Fault {
            matches: calls_of("s3", operation, Occurrence::Nth(1)),
            action: fault_proxy::Action::KillCaller(moment),
        });
        let tenant = format!("tenant-{number}");
        studio.publish(&event_for(Vendor::Polly, &tenant)).await;
        assert_eq!(
            end_of(&mut studio, &tenant).await,
            "completed by polly/neural; made",
            "{operation} {moment:?}"
        );
        assert_eq!(hits.count(), 1, "{operation} {moment:?}");
        assert_eq!(paid(&studio, Vendor::Polly).len(), 1);
        let produced = studio.ended(&tenant).await;
        let job = jobs_of(&produced, Topic::RenderJobCompleted).remove(0);
        let files = files_of(&studio, &job).await;
        let folder = studio.folder_of(&job).await;
        assert_eq!(files, [format!("{folder}audio-spot.mp3")]);
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spot_whose_original_is_gone_counts_as_stored_by_its_copy() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("studio-canvas", "", "polly"))
            .await;
    studio.let_executions_do_nothing().await;
    studio.publish(&event_for(Vendor::Polly, "tenant-1")).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    let poll = json!({ "step": "poll", "jobId": job });
    studio
        .completion(&json!({ "step": "submit", "jobId": job }))
        .await;
    assert_eq!(studio.completion(&poll).await["status"], "pending");

    // The copy is made, and its function dies before it can say so.
    studio.stack.proxy.inject(Fault {
        matches: calls_of("s3", "CopyObject", Occurrence::Nth(1)),
        action: fault_proxy::Action::KillCaller(Moment::After),
    });
    let completion = studio.stack.outputs.completion_function_name.clone();
    let poll = studio.of_execution(&poll).await;
    let (killed, _) = try_to_invoke(&studio.stack, &completion, &poll).await;
    assert!(killed.is_err(), "{killed:?}");
    let bucket = &studio.stack.outputs.assets_bucket_name;
    let files = files_of(&studio, &job).await;
    assert_eq!(files.len(), 2, "{files:?}");
    for original in files.iter().filter(|key| key.contains("/polly.")) {
        let delete = studio.stack.clients.s3.delete_object().bucket(bucket);
        delete.key(original).send().await.unwrap();
    }
    assert_eq!(
        studio.completion(&poll).await,
        json!({ "status": "stored" })
    );
    let finish = json!({ "step": "finish", "jobId": job });
    studio.completion(&finish).await;
    assert_eq!(
        end_of(&mut studio, "tenant-1").await,
        "completed by polly/neural; made"
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spots_original_stays_until_its_job_says_that_the_copy_is_stored() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("studio-canvas", "", "polly"))
            .await;
    studio.let_executions_do_nothing().await;
    studio.publish(&event_for(Vendor::Polly, "tenant-1")).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    let poll = json!({ "step": "poll", "jobId": job });
    studio
        .completion(&json!({ "step": "submit", "jobId": job }))
        .await;
    assert_eq!(studio.completion(&poll).await["status"], "pending");

    // The function dies before the job says so: only that write says when the asset was stored.
    let mut matches = calls_of("dynamodb", "PutItem", Occurrence::Nth(1));
    matches.body_contains = Some(format!("job#{job}"));
    let hits = studio.stack.proxy.inject(Fault {
        matches,
        action: fault_proxy::Action::KillCaller(Moment::Before),
    });
    let completion = studio.stack.outputs.completion_function_name.clone();
    let poll = studio.of_execution(&poll).await;
    let (killed, _) = try_to_invoke(&studio.stack, &completion, &poll).await;
    assert!(killed.is_err() && hits.count() == 1, "{killed:?}");
    let files = files_of(&studio, &job).await;
    assert!(
        files.len() == 2 && files.iter().any(|key| key.contains("/polly.")),
        "{files:?}"
    );

    assert_eq!(
        studio.completion(&poll).await,
        json!({ "status": "stored" })
    );
    let files = files_of(&studio, &job).await;
    let folder = studio.folder_of(&job).await;
    assert_eq!(files, [format!("{folder}audio-spot.mp3")]);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_job_that_cannot_be_begun_fails_with_a_reason_and_no_attempt() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "", "polly");
        options.wait_scale = 0.0;
    })
    .await;
    let mut matches = calls_of("secretsmanager", "GetSecretValue", Occurrence::Every);
    matches.body_contains = Some("studio/local/asset-paths".to_owned());
    let hits = studio.stack.proxy.inject(Fault {
        matches,
        action: fails(500, "InternalServiceError"),
    });
    // `retries.rs` holds that the deployed machine goes on for hours.
    studio.let_executions_try_again(7).await;
    studio.publish(&event_for(Vendor::Polly, "tenant-1")).await;
    let produced = studio.ended("tenant-1").await;
    // More often than one provider is asked.
    assert!(hits.count() >= 8, "{}", hits.count());
    assert!(paid(&studio, Vendor::Polly).is_empty());
    let failed = &data(&produced, Topic::RenderJobFailed)[0];
    assert_eq!(failed["failure"], "unavailable");
    assert_eq!(failed["attempts"], 0, "trouble of ours uses up none");
    assert_eq!(failed["canResubmit"], true);
    let reason = failed["reason"].as_str().unwrap();
    assert!(reason.ends_with("Submit it again later."), "{reason}");
    studio.stop().await;
}

/// The job of `tenant`'s video, whose steps the test takes itself. The vendor works on it, and has
/// made it by the next look if `is_made`.
async fn video_by_hand(studio: &mut Studio, tenant: &str, is_made: bool) -> String {
    studio.let_executions_do_nothing().await;
    if !is_made {
        let forever = Behaviour::TaskStatus {
            status: "RUNNING".to_owned(),
            polls: u32::MAX,
        };
        let script = Script::posts(Vendor::Runway, Occurrence::Every, forever);
        studio.stack.sandbox.script(script);
    }
    studio.publish(&event_for(Vendor::Runway, tenant)).await;
    let produced = studio.produced_for(tenant, 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    // The vendor has made the video at the third look.
    for step in ["submit", "poll", "poll"] {
        let answer = studio
            .completion(&json!({ "step": step, "jobId": job }))
            .await;
        assert_eq!(answer["status"], "pending", "{step}");
    }
    job
}

/// Whether `job` holds a lease on Runway.
async fn holds_a_lease(studio: &Studio, job: &str) -> bool {
    let leases = studio.item("provider#runway", "leases").await.unwrap();
    leases["state"].as_s().unwrap().contains(job)
}

fn cancelled_at_vendor(studio: &Studio) -> usize {
    let calls = studio.stack.sandbox.calls();
    calls.iter().filter(|call| call.method == "DELETE").count()
}

async fn studio_that_films() -> Studio {
    Studio::start_with(|options| options.providers = providers("studio-canvas", "runway", "")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_dynamodb_while_a_vendor_works_costs_no_video() {
    let mut studio = studio_that_films().await;
    let working = Behaviour::TaskStatus {
        status: "RUNNING".to_owned(),
        polls: 2,
    };
    let script = Script::posts(Vendor::Runway, Occurrence::Every, working);
    studio.stack.sandbox.script(script);
    studio.publish(&event_for(Vendor::Runway, "tenant-1")).await;
    until("the vendor works on it", async || {
        let calls = studio.stack.sandbox.calls();
        calls.iter().any(|call| call.method == "GET")
    })
    .await;
    // At a tenth of the waits this is as two minutes.
    let hits = ["GetItem", "PutItem", "TransactWriteItems"].map(|operation| {
        studio.stack.proxy.inject(Fault {
            matches: calls_of("dynamodb", operation, Occurrence::Every),
            action: fails(500, "InternalServerError"),
        })
    });
    tokio::time::sleep(Duration::from_secs(12)).await;
    // Each step begins with a read, and the SDK tries it three times.
    until("three steps fail", async || hits[0].count() >= 9).await;
    studio.stack.proxy.heal();
    assert_eq!(
        end_of(&mut studio, "tenant-1").await,
        "completed by runway/gen4.5; made"
    );
    assert_eq!(paid(&studio, Vendor::Runway).len(), 1);
    assert_eq!(cancelled_at_vendor(&studio), 0);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vendors_ticket_is_saved_through_trouble_at_dynamodb() {
    let mut studio = studio_that_films().await;
    studio.let_executions_do_nothing().await;
    studio.publish(&event_for(Vendor::Runway, "tenant-1")).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    // Three tries of the SDK for each of three writes of the ticket, which is the job's third
    // version: it was decided, then asked for.
    let mut matches = calls_of("dynamodb", "PutItem", Occurrence::First(9));
    matches.body_contains = Some(r#""version":{"N":"3"}"#.to_owned());
    let hits = studio.stack.proxy.inject(Fault {
        matches,
        action: fails(500, "InternalServerError"),
    });
    let submit = json!({ "step": "submit", "jobId": job });
    assert_eq!(studio.completion(&submit).await["status"], "pending");
    assert_eq!(hits.count(), 9);
    assert!(matches!(
        &attempts(&studio, &job).await[..],
        [Attempt {
            ticket: Some(_),
            outcome: Some(Outcome::Accepted),
            ..
        }]
    ));
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_given_up_takes_its_video_if_the_vendor_has_made_it() {
    let mut studio = studio_that_films().await;
    for how in ["fail", "patience", "abandoned"] {
        studio.stack.sandbox.clear();
        let job = video_by_hand(&mut studio, how, true).await;
        match how {
            "fail" => {
                let fail = json!({ "step": "fail", "jobId": job, "error": "Studio.Transient" });
                assert_eq!(
                    studio.completion(&fail).await,
                    json!({ "status": "closed" })
                );
            }
            "patience" => {
                studio
                    .change_state(&format!("job#{job}"), |state| {
                        state["attempts"][0]["at"] = json!("2020-01-01T00:00:00.000Z");
                    })
                    .await;
                let poll = json!({ "step": "poll", "jobId": job });
                assert_eq!(
                    studio.completion(&poll).await,
                    json!({ "status": "closed" })
                );
            }
            _ => {
                until("the sweep gives it up", async || {
                    let_deadlines_pass(&studio).await;
                    studio.completion(&json!({ "step": "sweep" })).await["failed"] == 1
                })
                .await
            }
        }
        assert_eq!(
            end_of(&mut studio, how).await,
            "completed by runway/gen4.5; made"
        );
        assert_eq!(paid(&studio, Vendor::Runway).len(), 1, "{how}");
        assert_eq!(cancelled_at_vendor(&studio), 0, "{how}");
        assert!(!holds_a_lease(&studio, &job).await, "{how}");
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_is_cancelled_at_the_vendor_that_works_on_it() {
    let mut studio = studio_that_films().await;
    let job = video_by_hand(&mut studio, "tenant-1", false).await;
    assert!(holds_a_lease(&studio, &job).await);
    let fail = json!({ "step": "fail", "jobId": job, "error": "Studio.Transient" });
    assert_eq!(
        studio.completion(&fail).await,
        json!({ "status": "closed" })
    );
    assert_eq!(
        end_of(&mut studio, "tenant-1").await,
        "failed: unavailable, may be submitted again; outcome-unknown"
    );
    assert_eq!(cancelled_at_vendor(&studio), 1);
    assert!(!holds_a_lease(&studio, &job).await);
    let credits = attempts(&studio, &job).await[0].credits();
    assert!(credits > 0, "it was worked on");
    credits_are_emitted(&studio, credits).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_in_conflict_with_a_transaction_is_tried_again() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("studio-canvas", "", "polly"))
            .await;
    studio.let_executions_do_nothing().await;
    studio.publish(&event_for(Vendor::Polly, "tenant-1")).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    let mut matches = calls_of("dynamodb", "PutItem", Occurrence::First(4));
    // The job's own writes, and not those of the lease.
    matches.body_contains = Some(format!("job#{job}"));
    let hits = studio.stack.proxy.inject(Fault {
        matches,
        action: fails(400, "TransactionConflictException"),
    });
    let submit = json!({ "step": "submit", "jobId": job });
    assert_eq!(studio.completion(&submit).await["status"], "pending");
    assert_eq!(hits.count(), 4);
    studio.stop().await;
}

/// An event of `tenant` whose poster has a logo, which is in the bucket.
async fn poster_with_logo(studio: &Studio, tenant: &str) -> Value {
    let logo = include_bytes!("../../../docs/invitation.png");
    let put = studio.stack.clients.s3.put_object().bucket(LOGO_BUCKET);
    let put = put.key(format!("{tenant}/logo.png"));
    put.body(logo.to_vec().into()).send().await.unwrap();
    let mut event = poster(tenant);
    event["data"]["brand"] = json!({
        "primaryColor": "#1b3a57", "logo": format!("s3://{LOGO_BUCKET}/{tenant}/logo.png"),
    });
    event
}

fn forbid_logos(studio: &Studio, occurrence: Occurrence) -> Hits {
    studio.stack.proxy.inject(Fault {
        matches: calls_of("s3", "GetObject", occurrence),
        action: fails(403, "AccessDenied"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_logo_fails_its_job_only_if_it_stays_forbidden() {
    let mut studio = Studio::start().await;
    let event = poster_with_logo(&studio, "for-a-while").await;
    let hits = forbid_logos(&studio, Occurrence::First(2));
    studio.publish(&event).await;
    assert_eq!(
        end_of(&mut studio, "for-a-while").await,
        "completed by studio-canvas; made"
    );
    assert_eq!(hits.count(), 2);

    // It is asked for nine times, which takes minutes: here, it was put off before.
    let event = poster_with_logo(&studio, "for-good").await;
    studio.hold_the_queue().await;
    studio.publish(&event).await;
    let hits = forbid_logos(&studio, Occurrence::Every);
    let mut message = take(&studio, 1).await.remove(0).says();
    for tries in [7, 8] {
        assert_eq!(studio.produced_for("for-good", 2).await.len(), 2);
        message["tries"] = json!(tries);
        assert_eq!(deliver(&studio, &[message.to_string()]).await, none_kept());
    }
    assert_eq!(
        end_of(&mut studio, "for-good").await,
        "failed: invalid-input; "
    );
    assert_eq!(hits.count(), 2);
    let produced = studio.ended("for-good").await;
    let failed = &data(&produced, Topic::RenderJobFailed)[0];
    assert_eq!(
        failed["reason"],
        "There is no logo where the brand says, or the studio may not read it. \
         Change that, and the studio renders it again."
    );
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_logo_under_a_vendors_picture_is_asked_for_by_its_execution() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai", "", "");
        options.wait_scale = 0.0;
    })
    .await;
    // The step is tried again eight times, which takes minutes at the real pauses. Each time it looks
    // for a painting of before, of which 403 says that there is none, and then for the logo.
    for (tenant, occurrence, end, refused) in [
        (
            "for-a-while",
            Occurrence::First(2 * 2),
            "completed by openai/gpt-image-2; made",
            2 * 2,
        ),
        (
            "for-good",
            Occurrence::Every,
            "failed: invalid-input; ",
            9 * 2,
        ),
    ] {
        studio.stack.proxy.heal();
        let event = poster_with_logo(&studio, tenant).await;
        let hits = forbid_logos(&studio, occurrence);
        studio.publish(&event).await;
        assert_eq!(end_of(&mut studio, tenant).await, end);
        assert_eq!(hits.count(), refused, "{tenant}");
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_the_table_does_not_take_for_minutes_is_put_down_and_learned() {
    let mut studio = studio_that_films().await;
    studio.let_executions_do_nothing().await;
    studio.publish(&event_for(Vendor::Runway, "tenant-1")).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    studio.stack.sandbox.script(Script::posts(
        Vendor::Runway,
        Occurrence::Every,
        Behaviour::Held,
    ));
    let completion = studio.stack.outputs.completion_function_name.clone();
    let submit = json!({ "step": "submit", "jobId": job });
    let of_execution = studio.of_execution(&submit).await;
    let outage = async {
        until("the vendor is asked", async || {
            !paid(&studio, Vendor::Runway).is_empty()
        })
        .await;
        let mut matches = calls_of("dynamodb", "PutItem", Occurrence::Every);
        matches.body_contains = Some(format!("job#{job}"));
        studio.stack.proxy.inject(Fault {
            matches,
            action: fails(500, "InternalServerError"),
        });
        studio.stack.sandbox.release();
    };
    let ((submitted, _), ()) = futures::join!(
        try_to_invoke(&studio.stack, &completion, &of_execution),
        outage
    );
    assert!(submitted.is_err(), "{submitted:?}");
    let files = files_of(&studio, &job).await;
    assert!(
        files.len() == 1 && files[0].contains("/answer-"),
        "{files:?}"
    );
    assert_eq!(cancelled_at_vendor(&studio), 0);

    studio.stack.proxy.heal();
    assert_eq!(studio.completion(&submit).await["status"], "pending");
    assert!(files_of(&studio, &job).await.is_empty());
    assert_eq!(paid(&studio, Vendor::Runway).len(), 1, "asked for once");
    studio.stop().await;
}
