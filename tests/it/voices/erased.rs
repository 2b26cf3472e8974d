//! A voice that is erased.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_voice_leaves_only_its_tombstone() {
    let mut studio = studio_that_clones().await;
    // One voice waits for its owner, the other is ready.
    for (number, ready) in [(1, false), (2, true)] {
        let (id, tenant) = (voice_id(number), format!("tenant-erased-{number}"));
        let execution = train(&studio, &id, &input(&tenant, "professional", 2)).await;
        model_that(&studio, &id, "waits for its owner", |s| {
            matches!(s, VoiceState::AwaitingOwner { .. })
        })
        .await;
        if ready {
            verify(&studio, &id, &tenant).await;
            line_of(&studio, &id).await;
        }
        studio.produced_for(&tenant, 1 + usize::from(ready)).await;
        let folder = format!("{tenant}/");
        let personal = [
            "Asha",
            "consent-7781",
            "user-asha-rao",
            "until I take this back",
            &folder,
        ];
        let table = studio.table().await;
        for part in personal {
            assert!(table.contains(part), "{part} is there before");
        }

        let erase = |tenant: &str| format!("--json voices erase --tenant {tenant} {id}");
        let said = cli(&studio, &format!("{} --execute", erase("tenant-other"))).await;
        assert_eq!(said.code, Some(3), "another tenant's: {said:?}");
        // Two samples, and for the ready voice the recording.
        let dry = cli(&studio, &erase(&tenant)).await;
        assert_eq!(
            (dry.code, &dry.json()[0]["fate"]),
            (
                Some(0),
                &json!({ "is": "would-be-erased", "recordings": 2 + usize::from(ready) })
            )
        );
        assert_eq!(studio.stack.sandbox.voices(), 1, "nothing is erased yet");
        for _ in 0..2 {
            let said = cli(&studio, &format!("{} --execute", erase(&tenant))).await;
            let last = said.json().pop().unwrap();
            assert_eq!(
                (said.code, &last["fate"]["is"]),
                (Some(0), &json!("erased")),
                "{said:?}"
            );
        }
        assert_eq!(
            end_of(&studio, &execution).await.0,
            ExecutionStatus::Succeeded,
            "it ended by itself"
        );
        assert_eq!(studio.stack.sandbox.voices(), 0);

        let erased = model(&studio, &id).await.unwrap();
        let VoiceState::Erased { erased, .. } = &erased.state else {
            panic!("{:?}", erased.state)
        };
        // The training, two samples, the captcha, and for the ready voice the recording.
        assert_eq!(
            (erased.voices, erased.objects, erased.events),
            (1, 4 + usize::from(ready), 1 + usize::from(ready))
        );
        let list = studio
            .stack
            .clients
            .s3
            .list_objects_v2()
            .bucket(VOICE_BUCKET)
            .prefix(&folder);
        assert!(list.send().await.unwrap().contents().is_empty());
        let list = studio
            .stack
            .clients
            .s3
            .list_objects_v2()
            .bucket(&studio.stack.outputs.assets_bucket_name);
        assert!(
            list.prefix("voices/")
                .send()
                .await
                .unwrap()
                .contents()
                .is_empty()
        );
        let table = studio.table().await;
        for part in personal {
            assert!(!table.contains(part), "{part} in {table}");
        }
        // Registering it again finds the tombstone, whatever lies where the training was.
        let input = json!({ "tenantId": tenant });
        let register = json!({ "step": "register-voice", "name": id, "input": input });
        let invoke = studio
            .stack
            .clients
            .lambda
            .invoke()
            .payload(register.to_string().into_bytes().into());
        let invoked = invoke
            .function_name(&studio.stack.outputs.completion_function_name)
            .send()
            .await
            .unwrap();
        let answer: Value = serde_json::from_slice(invoked.payload().unwrap().as_ref()).unwrap();
        assert_eq!(answer, json!({ "status": "closed" }));
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_a_voice_deletes_no_file_of_another_tenant() {
    let studio = studio_that_clones().await;
    upload(&studio, "tenant-b", "asha.mp3", RECORDING).await;
    let (id, tenant) = (voice_id(1), "tenant-a");
    let mut theirs = input(tenant, "professional", 1);
    theirs["samples"] = json!([format!("s3://{VOICE_BUCKET}/tenant-b/asha.mp3")]);
    let execution = train(&studio, &id, &theirs).await;
    let (status, cause) = end_of(&studio, &execution).await;
    assert_eq!(status, ExecutionStatus::Failed);
    assert_eq!(cause, cause_of("invalid-input"));
    let reason = reason_of(&studio, &id).await;
    assert!(reason.contains("a tenant's own files"), "{reason}");
    assert!(posts(&studio).is_empty(), "no voice was made of it");

    // Before, the voice was made of it, and erasing the voice deleted the file.
    let erase = format!("--json voices erase --tenant {tenant} {id} --execute");
    let said = cli(&studio, &erase).await;
    let last = said.json().pop().unwrap();
    assert_eq!(
        (said.code, &last["fate"]["is"]),
        (Some(0), &json!("erased"))
    );
    let head = studio.stack.clients.s3.head_object().bucket(VOICE_BUCKET);
    let there = head.key("tenant-b/asha.mp3").send().await;
    assert!(there.is_ok(), "{there:?}");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voice_erased_during_its_creation_is_deleted_at_the_vendor() {
    let studio = studio_that_clones().await;
    let held = Script::posts(Vendor::ElevenLabs, Occurrence::Nth(1), Behaviour::Held);
    studio.stack.sandbox.script(held);
    let (id, tenant) = (voice_id(1), "tenant-meanwhile");
    train(&studio, &id, &input(tenant, "instant", 1)).await;
    until("it is asked for", async || !posts(&studio).is_empty()).await;
    let erase = format!("--json voices erase --tenant {tenant} {id} --execute --within 0");
    let erased = async || {
        let said = cli(&studio, &erase).await;
        (said.code, fate(&said))
    };
    assert_eq!(erased().await, (Some(4), "erasing".to_owned()));
    studio.stack.sandbox.release();
    let is_deleted = |call: &Call| call.method == "DELETE" && call.status == Some(200);
    until("it is made, and deleted", async || {
        studio.stack.sandbox.calls().iter().any(is_deleted)
    })
    .await;
    assert_eq!(studio.stack.sandbox.voices(), 0);
    // The function that created the voice may have died. The last look at the vendor comes when
    // that function must have ended.
    assert_eq!(erased().await, (Some(4), "erasing".to_owned()));
    let long_ago =
        |model: &mut Value| model["attempts"][0]["at"] = json!("2026-11-27T00:00:00.000Z");
    studio.change_state(&format!("voice#{id}"), long_ago).await;
    until("every invocation from before must have ended", async || {
        erased().await == (Some(0), "erased".to_owned())
    })
    .await;
    studio.stop().await;
}
