//! What a vendor made and the bucket does not take: it is kept in the table and stored later, paid
//! for once and counted at once. And nothing is bought that could not be stored.

use super::{fates::close_breaker, lost_answers::credits_are_emitted, *};

/// Has the bucket refuse files this often.
fn refuse_files(studio: &Studio, occurrence: Occurrence) -> Hits {
    studio.stack.proxy.inject(Fault {
        matches: calls_of("s3", "PutObject", occurrence),
        action: fails(500, "InternalError"),
    })
}

/// How many results the metrics say were kept.
async fn kept_by_metrics(studio: &Studio) -> f64 {
    let emitted = emitted(&studio.stack.clients).await.unwrap();
    let kept = emitted
        .iter()
        .filter(|(metric, _)| metric.name == "PaidResultsKept");
    kept.flat_map(|(_, values)| values).sum()
}

/// Whether the table has something that was kept for the job's first attempt.
async fn is_kept(studio: &Studio, job: &str) -> bool {
    let token = attempts(studio, job).await[0].token;
    let part = studio.item(&format!("kept#{token}#1"), "part").await;
    part.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_result_that_the_bucket_refuses_is_kept_and_stored_later() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai,studio-canvas", "", "elevenlabs,polly");
    })
    .await;
    let mut used = 0;
    for (number, (vendor, end)) in [
        (Vendor::OpenAi, "completed by openai/gpt-image-2; made"),
        (
            Vendor::ElevenLabs,
            "completed by elevenlabs/eleven_multilingual_v2; made",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        studio.stack.proxy.heal();
        // As many failures as the SDK makes tries, when it is made and at the first try to store it.
        let hits = refuse_files(&studio, Occurrence::First(6));
        let tenant = format!("tenant-{number}");
        studio.publish(&event_for(vendor, &tenant)).await;
        assert_eq!(end_of(&mut studio, &tenant).await, end);
        assert_eq!(hits.count(), 6, "{tenant}");
        assert_eq!(paid(&studio, vendor).len(), 1, "{tenant}: paid for once");

        let produced = studio.ended(&tenant).await;
        let completed = &data(&produced, Topic::RenderJobCompleted)[0];
        let credits = completed["creditsUsed"].as_u64().unwrap();
        assert!(credits > 0, "{completed}");
        used += credits;
        credits_are_emitted(&studio, used).await;
        let job = completed["jobId"].as_str().unwrap();
        until("the table has forgotten it", async || {
            !is_kept(&studio, job).await
        })
        .await;
        let url = completed["outputUrl"].as_str().unwrap();
        assert!(fetch(&studio, url).await.len() > 512, "{url}");
    }
    until("both are measured", async || {
        kept_by_metrics(&studio).await >= 2.0
    })
    .await;
    assert_eq!(kept_by_metrics(&studio).await, 2.0);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_result_counts_at_once_and_completes_a_job_that_is_to_fail() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("openai", "", "")).await;
    studio.let_executions_do_nothing().await;
    studio.publish(&poster("tenant-1")).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    refuse_files(&studio, Occurrence::Every);
    let submit = json!({ "step": "submit", "jobId": job });
    assert_eq!(studio.completion(&submit).await["status"], "pending");
    assert!(is_kept(&studio, &job).await);
    let attempt = attempts(&studio, &job).await.remove(0);
    assert_eq!(attempt.outcome, Some(Outcome::Accepted));
    assert!(attempt.credits() > 0);
    credits_are_emitted(&studio, attempt.credits()).await;

    // The step is delivered again, and the vendor is not asked again.
    assert_eq!(studio.completion(&submit).await["status"], "pending");
    let poll = json!({ "step": "poll", "jobId": job });
    assert_eq!(studio.completion(&poll).await["status"], "pending");
    assert_eq!(paid(&studio, Vendor::OpenAi).len(), 1);

    studio.stack.proxy.heal();
    let fail = json!({ "step": "fail", "jobId": job, "error": "States.Timeout" });
    assert_eq!(
        studio.completion(&fail).await,
        json!({ "status": "closed" })
    );
    assert_eq!(
        end_of(&mut studio, "tenant-1").await,
        "completed by openai/gpt-image-2; made"
    );
    assert!(!is_kept(&studio, &job).await);
    credits_are_emitted(&studio, attempt.credits()).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_neither_stored_nor_kept_is_counted_and_blames_no_vendor() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai,studio-canvas", "", "");
    })
    .await;
    let files = refuse_files(&studio, Occurrence::First(3));
    let mut matches = calls_of("dynamodb", "PutItem", Occurrence::First(3));
    matches.body_contains = Some("kept#".to_owned());
    let parts = studio.stack.proxy.inject(Fault {
        matches,
        action: fails(500, "InternalServerError"),
    });
    studio.publish(&event_for(Vendor::OpenAi, "tenant-1")).await;
    assert_eq!(
        end_of(&mut studio, "tenant-1").await,
        "completed by studio-canvas; not-stored, made"
    );
    assert_eq!((files.count(), parts.count()), (3, 3));
    let produced = studio.ended("tenant-1").await;
    let completed = &data(&produced, Topic::RenderJobCompleted)[0];
    let attempts = attempts(&studio, completed["jobId"].as_str().unwrap()).await;
    let Some(Outcome::Refused {
        detail, credits, ..
    }) = &attempts[0].outcome
    else {
        panic!("{attempts:?}")
    };
    assert!(
        detail.starts_with("openai/gpt-image-2 made it, and the studio could not store it"),
        "{detail}"
    );
    assert_eq!(completed["creditsUsed"].as_u64(), Some(*credits));
    credits_are_emitted(&studio, *credits).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_bought_while_the_bucket_takes_no_files() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai", "", "");
        options.wait_scale = 0.1;
    })
    .await;
    let hits = studio.stack.proxy.inject(Fault {
        matches: calls_of("s3", "CreateMultipartUpload", Occurrence::Every),
        action: fails(403, "AccessDenied"),
    });
    studio.publish(&poster("tenant-1")).await;
    until("it has looked twice", async || hits.count() >= 2).await;
    assert!(paid(&studio, Vendor::OpenAi).is_empty());
    studio.stack.proxy.heal();
    assert_eq!(
        end_of(&mut studio, "tenant-1").await,
        "completed by openai/gpt-image-2; made"
    );
    assert_eq!(paid(&studio, Vendor::OpenAi).len(), 1);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_waits_for_a_vendor_that_turns_the_studio_away_and_is_made_then() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "runway", "");
        options.wait_scale = 0.05;
    })
    .await;
    studio.stack.sandbox.script(Script::posts(
        Vendor::Runway,
        Occurrence::Every,
        refusal(Vendor::Runway, Refusal::Auth).unwrap(),
    ));
    studio.publish(&campaign("tenant-1", &["video"])).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    until("it is refused", async || {
        !paid(&studio, Vendor::Runway).is_empty()
    })
    .await;
    // It looks at the breaker, and asks no vendor meanwhile.
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(paid(&studio, Vendor::Runway).len(), 1);
    let item = studio.item(&format!("job#{job}"), "state").await.unwrap();
    assert_eq!(state_of(&item)["state"]["is"], "submitted");

    studio.stack.sandbox.heal();
    close_breaker(&studio, "runway").await;
    assert_eq!(
        end_of(&mut studio, "tenant-1").await,
        "completed by runway/gen4.5; auth, made"
    );
    studio.stop().await;
}
