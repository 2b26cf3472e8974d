//! What a vendor made and the studio lost: its cost is counted, the note of its attempt stays, and
//! it is not paid for twice.

use std::fs;

use super::*;
use crate::harness::environment_of;

/// The credits by all metrics of the functions.
async fn credits_emitted(studio: &Studio) -> f64 {
    let emitted = emitted(&studio.stack.clients).await.unwrap();
    let spent = emitted
        .iter()
        .filter(|(metric, _)| metric.name == "ProviderCredits");
    spent.flat_map(|(_, values)| values).sum()
}

/// Waits until the metrics count `credits`, and fails if they count more.
pub(super) async fn credits_are_emitted(studio: &Studio, credits: u64) {
    let expected = credits as f64;
    until("the credits are emitted", async || {
        credits_emitted(studio).await >= expected
    })
    .await;
    assert_eq!(credits_emitted(studio).await, expected);
}

/// Lets the one job of `tenant` end, whose first provider's answer is lost. Returns the credits
/// that the job used.
async fn is_lost_and_counted(studio: &mut Studio, vendor: Vendor, tenant: &str) -> u64 {
    studio.stack.sandbox.clear();
    studio.publish(&event_for(vendor, tenant)).await;
    let made_by = if vendor == Vendor::OpenAi {
        "studio-canvas"
    } else {
        "polly/neural"
    };
    assert_eq!(
        end_of(studio, tenant).await,
        format!("completed by {made_by}; outcome-unknown, made"),
        "{tenant}"
    );
    assert_eq!(paid(studio, vendor).len(), 1, "{tenant}: paid for once");
    let produced = studio.ended(tenant).await;
    let completed = &data(&produced, Topic::RenderJobCompleted)[0];
    let attempts = attempts(studio, completed["jobId"].as_str().unwrap()).await;
    let credits = |attempt: &Attempt<ProviderId>| attempt.outcome.as_ref().unwrap().credits();
    assert!(credits(&attempts[0]) > 0, "{tenant}: {attempts:?}");
    let used: u64 = attempts.iter().map(credits).sum();
    assert_eq!(completed["creditsUsed"].as_u64(), Some(used), "{tenant}");
    used
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_picture_that_is_lost_costs_what_it_cost() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai,studio-canvas", "", "");
    })
    .await;
    let mut used = 0;
    let answers = |body: Value| Behaviour::AcceptThenAnswer { status: 200, body };
    let holds = |picture: &str| answers(json!({ "data": [{ "b64_json": picture }] }));
    let text = base64_simd::STANDARD.encode_to_string("no picture at all");
    for (how, behaviour) in [
        ("broken off", Behaviour::OutputBreaks { bytes: 100_000 }),
        ("without a picture", answers(json!({ "data": [] }))),
        ("no Base64", holds("*")),
        ("no PNG", holds(&text)),
    ] {
        studio.stack.sandbox.heal();
        let script = Script::posts(Vendor::OpenAi, Occurrence::Every, behaviour);
        studio.stack.sandbox.script(script);
        used += is_lost_and_counted(&mut studio, Vendor::OpenAi, how).await;
        credits_are_emitted(&studio, used).await;
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_spot_that_is_lost_costs_what_it_cost() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("studio-canvas", "", "elevenlabs,polly");
    })
    .await;
    let no_sound = Behaviour::AcceptThenAnswer {
        status: 200,
        body: json!({ "text": "no sound at all ".repeat(100) }),
    };
    let script = Script::posts(Vendor::ElevenLabs, Occurrence::Every, no_sound);
    studio.stack.sandbox.script(script);
    let used = is_lost_and_counted(&mut studio, Vendor::ElevenLabs, "no MP3").await;
    credits_are_emitted(&studio, used).await;
    studio.stop().await;
}

/// Empties the files of the fonts for Chinese, Japanese and Korean, which the running function has
/// not read yet. They are its own: the emulator unpacked them for this stack.
fn spoil_fonts(studio: &Studio) {
    let calls = studio.stack.proxy.calls();
    let name = &studio.stack.outputs.completion_function_name;
    let of_completion = calls
        .iter()
        .find(|call| call.function.as_deref() == Some(name.as_str()))
        .unwrap();
    let environment = environment_of(of_completion.process_id.unwrap());
    let mut spoiled = 0;
    for file in fs::read_dir(format!("{}/fonts", environment["LAMBDA_TASK_ROOT"])).unwrap() {
        fs::write(file.unwrap().path(), "").unwrap();
        spoiled += 1;
    }
    assert!(spoiled >= 4, "{spoiled} files");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_under_text_that_cannot_be_set_costs_what_it_cost() {
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai,studio-canvas", "", "");
    })
    .await;
    studio.let_executions_do_nothing().await;
    let mut event = poster("tenant-1");
    event["data"]["title"] = json!("夏の夜");
    event["data"]["locale"] = json!("ja");
    studio.publish(&event).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    // The function starts, and finds its fonts there.
    studio.completion(&json!({ "step": "sweep" })).await;
    spoil_fonts(&studio);

    let submit = json!({ "step": "submit", "jobId": job });
    assert_eq!(
        studio.completion(&submit).await,
        json!({ "status": "closed" })
    );
    assert_eq!(
        end_of(&mut studio, "tenant-1").await,
        "failed: invalid-input; invalid-input"
    );
    let attempts = attempts(&studio, &job).await;
    let Some(Outcome::Refused { credits, .. }) = attempts[0].outcome else {
        panic!("{attempts:?}")
    };
    assert!(credits > 0, "{attempts:?}");
    credits_are_emitted(&studio, credits).await;

    // The step is delivered again, and pays for nothing.
    assert_eq!(
        studio.completion(&submit).await,
        json!({ "status": "stored" })
    );
    assert_eq!(paid(&studio, Vendor::OpenAi).len(), 1);
    credits_are_emitted(&studio, credits).await;
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_whose_job_is_cancelled_meanwhile_costs_what_it_cost() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("openai", "", "")).await;
    studio.let_executions_do_nothing().await;
    studio.publish(&poster("tenant-1")).await;
    let produced = studio.produced_for("tenant-1", 2).await;
    let job = jobs_of(&produced, Topic::RenderJobCreated).remove(0);
    studio.stack.sandbox.script(Script::posts(
        Vendor::OpenAi,
        Occurrence::Every,
        Behaviour::Held,
    ));
    let completion = studio.stack.outputs.completion_function_name.clone();
    let submit = json!({ "step": "submit", "jobId": job });
    let submit = studio.of_execution(&submit).await;
    let cancel = async {
        until("the vendor is asked", async || {
            !paid(&studio, Vendor::OpenAi).is_empty()
        })
        .await;
        let cancel = json!({ "step": "cancel", "jobId": job });
        let cancelled = studio.completion(&cancel).await;
        studio.stack.sandbox.release();
        cancelled
    };
    let ((submitted, _), cancelled) =
        futures::join!(try_to_invoke(&studio.stack, &completion, &submit), cancel);
    assert!(submitted.is_err(), "{submitted:?}");
    assert_eq!(cancelled, json!({ "status": "closed" }));
    let attempts = attempts(&studio, &job).await;
    assert!(
        matches!(
            &attempts[..],
            [Attempt { outcome: Some(Outcome::Refused { credits, .. }), .. }] if *credits > 0
        ),
        "{attempts:?}"
    );
    // Its file was stored, and is deleted again.
    let stores = |call: &fault_proxy::Call| {
        call.operation.service == "s3" && call.operation.name == "PutObject"
    };
    assert!(studio.stack.proxy.calls().iter().any(stores));
    assert!(files_of(&studio, &job).await.is_empty());
    credits_are_emitted(&studio, attempts[0].outcome.as_ref().unwrap().credits()).await;
    studio.stop().await;
}
