//! What the owner of a voice does, and what happens if the owner does nothing.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn two_concurrent_verifications_send_one_recording() {
    let studio = studio_that_clones().await;
    let (id, tenant) = (voice_id(1), "tenant-twice");
    train(&studio, &id, &input(tenant, "professional", 1)).await;
    model_that(&studio, &id, "waits for its owner", |s| {
        matches!(s, VoiceState::AwaitingOwner { .. })
    })
    .await;
    let held = Script::posts(Vendor::ElevenLabs, Occurrence::Nth(1), Behaviour::Held);
    studio.stack.sandbox.script(held);
    let second = async {
        until("the first is sent", async || {
            asked(&studio).contains_key("/voices/pvc/captcha")
        })
        .await;
        let said = verify(&studio, &id, tenant).await;
        studio.stack.sandbox.release();
        said
    };
    let (first, second) = futures::join!(verify(&studio, &id, tenant), second);
    assert_eq!(first, json!({ "status": "verified" }));
    assert_eq!(
        second["reason"],
        "A request for it is on its way. Ask again in a few minutes."
    );
    assert_eq!(asked(&studio)["/voices/pvc/captcha"], 1);
    assert_eq!(line_of(&studio, &id).await, "ready; made, made, made, made");
    studio.stop().await;
}

/// Shortens the owner's days in the deployed state machine to seconds.
async fn let_owners_have(studio: &Studio, seconds: u32) {
    let sfn = &studio.stack.clients.sfn;
    let arn = &studio.stack.outputs.voice_state_machine_arn;
    let described = sfn
        .describe_state_machine()
        .state_machine_arn(arn)
        .send()
        .await
        .unwrap();
    let mut machine: Value = serde_json::from_str(described.definition()).unwrap();
    machine["States"]["AwaitOwner"]["TimeoutSeconds"] = json!(seconds);
    sfn.update_state_machine()
        .state_machine_arn(arn)
        .definition(machine.to_string())
        .send()
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_fails_if_its_owner_never_verifies_it() {
    let studio = studio_that_clones().await;
    let_owners_have(&studio, 3).await;
    let (id, tenant) = (voice_id(1), "tenant-late");
    let execution = train(&studio, &id, &input(tenant, "professional", 1)).await;
    let (status, cause) = end_of(&studio, &execution).await;
    assert_eq!(status, ExecutionStatus::Failed);
    assert_eq!(cause, cause_of("timeout"));
    let reason = reason_of(&studio, &id).await;
    assert!(
        reason.starts_with(
            "Its owner was asked 0 days ago to show that the voice is theirs, and did not"
        ),
        "{reason}"
    );
    assert!(
        line_of(&studio, &id)
            .await
            .starts_with("failed: timeout; made, made")
    );
    assert_eq!(
        studio.stack.sandbox.voices(),
        0,
        "nothing is left at the vendor"
    );
    assert_eq!(verify(&studio, &id, tenant).await["status"], "voice-failed");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_continues_a_voice_whose_execution_was_aborted() {
    let mut studio = studio_that_clones().await;
    let (id, tenant) = (voice_id(1), "tenant-aborted");
    let execution = train(&studio, &id, &input(tenant, "professional", 2)).await;
    model_that(&studio, &id, "waits for its owner", |s| {
        matches!(s, VoiceState::AwaitingOwner { .. })
    })
    .await;
    studio
        .stack
        .clients
        .sfn
        .stop_execution()
        .execution_arn(&execution)
        .send()
        .await
        .unwrap();
    let_deadlines_pass(&studio).await;
    let swept = studio.completion(&json!({ "step": "sweep" })).await;
    assert_eq!(swept["restarted"], 1, "{swept}");
    until("it waits again", async || {
        model(&studio, &id).await.unwrap().restarts == 1
    })
    .await;
    until("it is verified", async || {
        verify(&studio, &id, tenant).await["status"] == "verified"
    })
    .await;
    assert_eq!(
        line_of(&studio, &id).await,
        "ready; made, made, made, made, made"
    );
    assert_eq!(
        studio.produced_for(tenant, 2).await.len(),
        2,
        "published once"
    );
    studio.stop().await;
}

#[test]
fn an_owner_has_seven_days() {
    let path = Checkout::find()
        .unwrap()
        .root
        .join("infra/statemachines/voice-training.asl.json");
    let machine: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        machine["States"]["AwaitOwner"]["TimeoutSeconds"],
        7 * 24 * 60 * 60
    );
}
