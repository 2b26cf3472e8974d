//! A training that ends with a ready voice.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_professional_voice_goes_from_registration_to_ready() {
    let mut studio = studio_that_clones().await;
    let (id, tenant) = (voice_id(1), "tenant-asha");
    let sent = input(tenant, "professional", 3);
    let execution = train(&studio, &id, &sent).await;
    let waiting = model_that(&studio, &id, "waits for its owner", |s| {
        matches!(s, VoiceState::AwaitingOwner { .. })
    })
    .await;
    let VoiceState::AwaitingOwner {
        captcha: Some(captcha),
        ..
    } = waiting.state
    else {
        panic!("nothing to read")
    };
    let object = studio
        .stack
        .clients
        .s3
        .get_object()
        .bucket(&studio.stack.outputs.assets_bucket_name)
        .key(&captcha);
    let picture = object
        .send()
        .await
        .unwrap()
        .body
        .collect()
        .await
        .unwrap()
        .to_vec();
    assert!(
        captcha == format!("voices/{id}/captcha.png") && picture.starts_with(b"\x89PNG"),
        "{captcha}"
    );

    // A verification needs a recording, and another tenant cannot verify this voice.
    let shown = cli(&studio, &format!("voices show --tenant {tenant} {id}")).await;
    let to_read = format!("s3://{}/{captcha}", studio.stack.outputs.assets_bucket_name);
    assert!(
        shown.text.contains("awaiting-owner") && shown.text.contains(&to_read),
        "{shown:?}"
    );
    let verify_voice = format!("--json voices verify --tenant {tenant} {id}");
    let said = cli(&studio, &format!("{verify_voice} --execute")).await;
    assert_eq!(
        (said.code, fate(&said)),
        (Some(4), "not-verified".to_owned()),
        "{said:?}"
    );
    for words in ["show", "verify", "verify --execute", "erase"] {
        let said = cli(
            &studio,
            &format!("voices {words} --tenant tenant-other {id}"),
        )
        .await;
        assert_eq!(said.code, Some(3), "another tenant's: {said:?}");
    }
    let function = studio.stack.outputs.completion_function_name.clone();
    // Another tenant cannot take its id either: its registration fails, and this voice goes on.
    let theirs = input("tenant-other", "professional", 3);
    upload_training(&studio, "tenant-other", &id, &theirs).await;
    let register =
        json!({ "step": "register-voice", "name": id, "input": { "tenantId": "tenant-other" } });
    let invoke = studio
        .stack
        .clients
        .lambda
        .invoke()
        .function_name(&function);
    let answer = invoke
        .payload(register.to_string().into_bytes().into())
        .send()
        .await
        .unwrap();
    let answer = String::from_utf8_lossy(answer.payload().unwrap().as_ref()).into_owned();
    assert!(answer.contains("Studio.IdReused"), "{answer}");
    let fail = json!({ "step": "fail-voice", "voiceModelId": id, "error": "Studio.IdReused", "cause": answer });
    assert_eq!(studio.completion(&fail).await["status"], "voice-failed");
    let waiting = model(&studio, &id).await.unwrap();
    assert!(
        matches!(waiting.state, VoiceState::AwaitingOwner { .. }),
        "{:?}",
        waiting.state
    );

    // Without `--execute`, the vendor is not asked. A repeated verification finds it done.
    upload(&studio, tenant, "recording.mp3", RECORDING).await;
    let recording = format!("s3://{VOICE_BUCKET}/{tenant}/recording.mp3");
    let verify_voice = format!("{verify_voice} --recording {recording}");
    let before = posts(&studio).len();
    let said = cli(&studio, &verify_voice).await;
    assert_eq!(
        (said.code, fate(&said)),
        (Some(0), "would-be-verified".to_owned()),
        "{said:?}"
    );
    assert_eq!(posts(&studio).len(), before);
    for _ in 0..2 {
        let mut said = cli(&studio, &format!("{verify_voice} --execute")).await;
        // A request of its execution may be on its way just then: the operator asks again.
        for _ in 0..60 {
            if fate(&said) != "not-verified" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
            said = cli(&studio, &format!("{verify_voice} --execute")).await;
        }
        assert_eq!(
            (said.code, fate(&said)),
            (Some(0), "verified".to_owned()),
            "{said:?}"
        );
    }
    let produced = studio.produced_for(tenant, 2).await;
    let of = |topic: Topic| {
        produced
            .iter()
            .find(|r| r.topic == topic.as_str())
            .unwrap()
            .event()["data"]
            .clone()
    };
    let (created, ready) = (of(Topic::VoiceModelCreated), of(Topic::VoiceModelReady));
    assert_eq!(by_id(&produced).len(), 2);
    for event in [&created, &ready] {
        assert_eq!(
            (event["voiceModelId"].as_str(), event["name"].as_str()),
            (Some(id.as_str()), Some("Asha, warm"))
        );
        assert_eq!(
            (event["provider"].as_str(), event["method"].as_str()),
            (Some("elevenlabs"), Some("professional"))
        );
    }
    let when = |topic: Topic| {
        let record = produced.iter().find(|r| r.topic == topic.as_str());
        record.unwrap().timestamp.unwrap()
    };
    assert!(when(Topic::VoiceModelCreated) <= when(Topic::VoiceModelReady));
    assert!(ready["durationMs"].as_u64().unwrap() > 0);
    assert_eq!(
        end_of(&studio, &execution).await.0,
        ExecutionStatus::Succeeded
    );

    let expected = [
        ("/voices/pvc", 1),
        ("/voices/pvc/captcha", 1),
        ("/voices/pvc/samples", 3),
        ("/voices/pvc/train", 1),
    ];
    assert_eq!(
        asked(&studio),
        expected
            .map(|(path, count)| (path.to_owned(), count))
            .into()
    );
    let model = model(&studio, &id).await.unwrap();
    // The alarms see the credits of a voice as they see those of a job.
    let emitted = emitted(&studio.stack.clients).await.unwrap();
    let sum = |name: &str| -> f64 {
        emitted
            .iter()
            .filter(|(m, _)| m.name == name)
            .flat_map(|(_, values)| values)
            .sum()
    };
    assert_eq!(
        sum("ProviderCredits"),
        f64::from(u32::try_from(model.attempts.credits()).unwrap())
    );
    assert!(
        model.attempts.credits() > 0 && sum("ProviderCalls") >= 7.0,
        "{}",
        sum("ProviderCalls")
    );
    assert_eq!(model.attempts.len(), posts(&studio).len());
    assert_eq!(
        (ready["creditsUsed"].as_u64(), model.attempts.credits()),
        (Some(500), 500)
    );
    // The vendor gets no name of the voice or its owner.
    assert!(
        posts(&studio)
            .iter()
            .all(|call| !String::from_utf8_lossy(&call.body).contains("Asha"))
    );

    // A second execution of the same name is refused, because it is the same training.
    let again = studio
        .stack
        .clients
        .sfn
        .start_execution()
        .name(&id)
        .input(json!({ "tenantId": tenant }).to_string());
    let again = again
        .state_machine_arn(&studio.stack.outputs.voice_state_machine_arn)
        .send()
        .await;
    let refused = again.unwrap_err().into_service_error();
    assert!(refused.is_execution_already_exists(), "{refused:?}");
    let register = json!({ "step": "register-voice", "name": id, "input": { "tenantId": tenant } });
    assert_eq!(studio.completion(&register).await["status"], "closed");
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_voice_waits_until_its_vendor_has_verified_it() {
    let studio = studio_that_clones().await;
    let wants = Script::posts(Vendor::ElevenLabs, Occurrence::Every, Behaviour::WantsOwner);
    studio.stack.sandbox.script(wants);
    let (id, tenant) = (voice_id(1), "tenant-instant");
    train(&studio, &id, &input(tenant, "instant", 2)).await;
    model_that(&studio, &id, "waits for its owner", |s| {
        matches!(s, VoiceState::AwaitingOwner { .. })
    })
    .await;
    // The vendor verifies an instant voice with its owner, so the studio sends nothing.
    let said = verify(&studio, &id, tenant).await;
    assert_eq!(
        said["reason"],
        "The owner of an instant voice is verified at the provider itself."
    );
    assert_eq!(
        asked(&studio),
        BTreeMap::from([("/voices/add".to_owned(), 1)])
    );
    studio.stack.sandbox.verify_voices();
    let look = json!({ "step": "verify-voice", "voiceModelId": id, "tenantId": tenant });
    assert_eq!(
        studio.completion(&look).await,
        json!({ "status": "verified" })
    );
    assert_eq!(line_of(&studio, &id).await, "ready; made");
    studio.stop().await;
}
