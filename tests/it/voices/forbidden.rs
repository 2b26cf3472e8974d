//! A recording that S3 forbids. A policy may still be spreading, so it is asked for again for some
//! minutes. Without the right to list a bucket, S3 says the same of a missing object, and so the
//! reason names both causes.

use fault_proxy::{Action, Hits};

use super::*;

/// The first try and the eight that the state machine's `Retry` adds.
const TRIES: u32 = 9;

fn forbid(studio: &Studio, occurrence: Occurrence) -> Hits {
    studio.stack.proxy.inject(Fault {
        matches: Matches {
            service: Some("s3".to_owned()),
            operation: Some("GetObject".to_owned()),
            occurrence,
            ..Matches::default()
        },
        action: Action::Fail {
            status: 403,
            error: "AccessDenied".to_owned(),
        },
    })
}

/// Waits until the model waits for its owner.
async fn waits_for_its_owner(studio: &Studio, id: &str) {
    let waits = |state: &VoiceState| matches!(state, VoiceState::AwaitingOwner { .. });
    model_that(studio, id, "waits for its owner", waits).await;
}

fn reason(tenant: &str, file: &str) -> String {
    let object = format!("s3://{VOICE_BUCKET}/{tenant}/{file}");
    format!("There is nothing at {object}, or the studio may not read it")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_training_stops_a_registration_only_if_it_stays_forbidden() {
    let studio = studio_that_clones().await;
    let (id, tenant) = (voice_id(1), "tenant-for-a-while");
    let hits = forbid(&studio, Occurrence::First(2));
    train(&studio, &id, &input(tenant, "professional", 1)).await;
    waits_for_its_owner(&studio, &id).await;
    assert_eq!(hits.count(), 2);

    studio.stack.sandbox.clear();
    let (id, tenant) = (voice_id(2), "tenant-for-good");
    let hits = forbid(&studio, Occurrence::Every);
    let execution = train(&studio, &id, &input(tenant, "professional", 1)).await;
    let (status, cause) = end_of(&studio, &execution).await;
    let file = format!("voice-trainings/{id}.json");
    assert_eq!(
        (status, cause),
        (ExecutionStatus::Failed, reason(tenant, &file))
    );
    assert_eq!(hits.count(), TRIES);
    assert!(model(&studio, &id).await.is_none(), "it is not registered");
    assert!(posts(&studio).is_empty(), "the vendor is not asked");

    // Once the studio may read the training, the same training is started again.
    studio.stack.proxy.heal();
    let register = json!({ "step": "register-voice", "name": id, "input": { "tenantId": tenant } });
    assert_eq!(studio.completion(&register).await["status"], "registered");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forbidden_sample_stops_a_training_only_if_it_stays_forbidden() {
    let studio = studio_that_clones().await;
    for (number, tenant, occurrence) in [
        (1, "tenant-for-a-while", Occurrence::First(2)),
        (2, "tenant-for-good", Occurrence::Every),
    ] {
        let id = voice_id(number);
        // The voice is registered, and its vendor creates it slowly: its sample is read afterwards.
        let slow = Script::posts(
            Vendor::ElevenLabs,
            Occurrence::Nth(1),
            Behaviour::Slow(Duration::from_secs(5)),
        );
        studio.stack.sandbox.script(Script {
            body_contains: Some(id.clone()),
            ..slow
        });
        studio.stack.sandbox.clear();
        let execution = train(&studio, &id, &input(tenant, "professional", 1)).await;
        until("the vendor is asked to create it", async || {
            asked(&studio).contains_key("/voices/pvc")
        })
        .await;
        let hits = forbid(&studio, occurrence);
        if number == 1 {
            waits_for_its_owner(&studio, &id).await;
            assert_eq!(hits.count(), 2);
            studio.stack.proxy.heal();
            continue;
        }
        // The model has the sentence, and its execution names the class alone.
        let (status, cause) = end_of(&studio, &execution).await;
        assert_eq!(
            (status, cause),
            (ExecutionStatus::Failed, cause_of("invalid-input"))
        );
        assert_eq!(
            reason_of(&studio, &id).await,
            "There is nothing where sample 1 is to be, or the studio may not read it."
        );
        assert_eq!(hits.count(), TRIES);
        assert_eq!(line_of(&studio, &id).await, "failed: invalid-input; made");
        assert_eq!(asked(&studio), [("/voices/pvc".to_owned(), 1)].into());
        assert_eq!(studio.stack.sandbox.voices(), 1, "only the first is left");
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_whose_recording_is_forbidden_learns_it_and_may_ask_again() {
    let studio = studio_that_clones().await;
    let (id, tenant) = (voice_id(1), "tenant-owner");
    train(&studio, &id, &input(tenant, "professional", 1)).await;
    waits_for_its_owner(&studio, &id).await;
    let hits = forbid(&studio, Occurrence::First(1));
    assert_eq!(
        verify(&studio, &id, tenant).await,
        json!({
            "status": "not-verified", "reason": format!("{}.", reason(tenant, "recording.mp3")),
        })
    );
    assert_eq!(hits.count(), 1);
    assert_eq!(
        verify(&studio, &id, tenant).await,
        json!({ "status": "verified" })
    );
    assert_eq!(line_of(&studio, &id).await, "ready; made, made, made, made");
    studio.stop().await;
}
