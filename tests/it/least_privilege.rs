//! Each role has the grants that it needs, and no others. The test removes every grant that the
//! emulator enforces, one at a time, and expects a step to fail that worked before. It compares the
//! other grants with a list.

mod ready;

use std::collections::BTreeSet;

use contract::Topic;
use local::aws::QueryService;
use local::deploy::{Providers, STACK};
use local::metrics::logged_since;
use serde_json::{Value, json};

use crate::{
    grants::{Grant, Iam},
    harness::{Studio, try_to_invoke},
    sweep::let_deadlines_pass,
};
use ready::{
    Ready, await_owner, batch, created_now, discard, erase, erase_voice, gather, give_up,
    list_dead_letters, new_voice, ready, ready_voices, redrive, register, resubmit, show_unknown,
    step, tombstone, voice_id,
};

/// A grant, and the step that fails without it.
struct Need {
    /// The role or policy that grants it, without the suffix `Role`.
    of: &'static str,
    /// Statement, action, resource.
    grant: &'static str,
    /// The function that needs it.
    who: &'static str,
    /// The payload of the invocation.
    payload: fn(&Ready) -> Value,
    /// A text that the answer or the log contains only without the grant.
    says: &'static str,
}

const DENIED: &str = "AccessDenied";

/// The grants that the emulator enforces. A function caches a vendor's key for a while, so a step
/// that must read the key comes before other steps that use it.
const NEEDS: &[Need] = &[
    // Consumers: one of them stands for all.
    consumer(
        "CommitDecisions dynamodb:PutItem table/studio-local",
        |_| batch(&created_now("keep")),
    ),
    consumer(
        "CommitDecisions dynamodb:UpdateItem table/studio-local",
        |_| batch(&created_now("mark")),
    ),
    consumer(
        "CommitDecisions dynamodb:GetItem table/studio-local",
        |ready| batch(&ready.known),
    ),
    consumer(
        "StartJobs states:StartExecution stateMachine:studio-render-local",
        |_| batch(&created_now("start")),
    ),
    consumer(
        "LookAfterJobs states:DescribeExecution execution:studio-render-local:*",
        |ready| batch(&ready.known),
    ),
    writes_dead_letters("EventCreatedFunction"),
    writes_dead_letters("EventPublishedFunction"),
    writes_dead_letters("CmsPublishedFunction"),
    writes_dead_letters("CampaignLaunchedFunction"),
    // Completion: the table.
    completion(
        "CommitDecisions dynamodb:GetItem table/studio-local",
        |ready| step("poll", &ready.drawn[0]),
    ),
    completion(
        "CommitDecisions dynamodb:PutItem table/studio-local",
        |ready| step("submit", &ready.drawn[0]),
    ),
    completion(
        "CommitDecisions dynamodb:UpdateItem table/studio-local",
        |_| erase("tenant-nobody"),
    ),
    completion(
        "FindAllOfATenant dynamodb:Query table/studio-local/index/by-tenant",
        |_| erase("tenant-nobody"),
    ),
    // Completion: files.
    completion(
        "StoreAssets s3:PutObject eventzr-studio-assets-local/renders/*",
        |ready| step("submit", &ready.drawn[1]),
    ),
    completion(
        "StoreAssets s3:GetObject eventzr-studio-assets-local/renders/*",
        |ready| step("poll", &ready.spoken[0]),
    ),
    completion(
        "StoreAssets s3:DeleteObjectVersion eventzr-studio-assets-local/renders/*",
        |ready| step("poll", &ready.spoken[1]),
    ),
    Need {
        says: "an upload is left to the bucket's lifecycle",
        ..completion(
            "StoreAssets s3:AbortMultipartUpload eventzr-studio-assets-local/renders/*",
            |ready| step("poll", &ready.filmed),
        )
    },
    Need {
        // S3 gives the same answer for a missing object, and so the function reports a missing
        // logo.
        says: "there is no logo at s3://",
        ..completion("ReadLogos s3:GetObject studio-local-logos/*", |ready| {
            step("submit", &ready.with_logo)
        })
    },
    completion(
        "FindWhatIsToBeErased s3:ListBucketVersions eventzr-studio-dead-letters-local",
        |_| erase("tenant-dead-letter-1"),
    ),
    completion(
        "EraseDeadLetters s3:DeleteObjectVersion eventzr-studio-dead-letters-local/*",
        |_| erase("tenant-dead-letter-2"),
    ),
    // Completion: voices.
    Need {
        says: "and has no key",
        ..completion(
            "ReadVendorsKeys secretsmanager:GetSecretValue secret:studio/local/*",
            |_| register(&voice_id()),
        )
    },
    Need {
        says: "There is nothing at s3://",
        ..completion(
            "ReadAndEraseVoices s3:GetObject studio-local-voices/*",
            |_| register(&voice_id()),
        )
    },
];

/// The grants of the operator function, in the order of its steps.
const NEEDS_OF_THE_OPERATOR: &[Need] = &[
    operator(
        "ResolveAndResubmit dynamodb:GetItem table/studio-local",
        |_| show_unknown(),
    ),
    operator(
        "ResolveAndResubmit dynamodb:BatchGetItem table/studio-local",
        |_| list_dead_letters(),
    ),
    operator(
        "ResolveAndResubmit dynamodb:UpdateItem table/studio-local",
        |_| discard("tenant-dead-letter-4"),
    ),
    operator(
        "ResolveAndResubmit dynamodb:PutItem table/studio-local",
        |ready| resubmit(&ready.cancelled[0]),
    ),
    operator(
        "FindWhatWaits dynamodb:Query table/studio-local/index/open",
        |_| list_dead_letters(),
    ),
    operator(
        "FindAllOfATenant dynamodb:Query table/studio-local/index/by-tenant",
        |_| json!({ "step": "list-jobs", "tenant": "tenant-known", "most": 10 }),
    ),
    operator(
        "ListOnFailureEnvelopes s3:ListBucket eventzr-studio-dead-letters-local",
        |_| gather(),
    ),
    operator(
        "ListOnFailureEnvelopes s3:ListBucketVersions eventzr-studio-dead-letters-local",
        |_| gather(),
    ),
    operator(
        "TakeOnFailureEnvelopes s3:GetObject eventzr-studio-dead-letters-local/aws/lambda/*",
        |_| gather(),
    ),
    operator(
        "TakeOnFailureEnvelopes s3:DeleteObjectVersion eventzr-studio-dead-letters-local/aws/lambda/*",
        |_| gather(),
    ),
    operator(
        "WriteAndDeleteDeadLetters s3:PutObject eventzr-studio-dead-letters-local/records/*",
        |_| gather(),
    ),
    operator(
        "WriteAndDeleteDeadLetters s3:GetObject eventzr-studio-dead-letters-local/records/*",
        |_| redrive("eventzr.event.created.v1", false),
    ),
    operator(
        "WriteAndDeleteDeadLetters s3:DeleteObject eventzr-studio-dead-letters-local/records/*",
        |_| discard("tenant-dead-letter-5"),
    ),
    operator(
        "GiveRecordsToConsumersAndCancel lambda:InvokeFunction function:studio-event-created-local",
        |_| redrive("eventzr.event.created.v1", true),
    ),
    operator(
        "GiveRecordsToConsumersAndCancel lambda:InvokeFunction function:studio-event-published-local",
        |_| redrive("eventzr.event.published.v1", true),
    ),
    operator(
        "GiveRecordsToConsumersAndCancel lambda:InvokeFunction function:studio-cms-published-local",
        |_| redrive("eventzr.cms.published.v1", true),
    ),
    operator(
        "GiveRecordsToConsumersAndCancel lambda:InvokeFunction function:studio-campaign-launched-local",
        |_| redrive("eventzr.campaign.launched.v1", true),
    ),
    operator(
        "GiveRecordsToConsumersAndCancel lambda:InvokeFunction function:studio-completion-local",
        |ready| json!({ "step": "cancel-job", "tenant": "tenant-open", "job": ready.open, "execute": true }),
    ),
    operator(
        "StartAgain states:StartExecution stateMachine:studio-render-local",
        |ready| resubmit(&ready.cancelled[1]),
    ),
    operator(
        "SeeHowJobsAre states:DescribeExecution execution:studio-render-local:*",
        |ready| json!({ "step": "show-job", "tenant": "tenant-cancelled", "job": ready.cancelled[0] }),
    ),
];

/// The grants for a voice that waits for its owner.
const NEEDS_OF_VOICES: &[Need] = &[
    completion(
        "StoreOwnersRecordings s3:PutObject eventzr-studio-assets-local/voices/*",
        |ready| await_owner(&ready.voices[0]),
    ),
    completion("LetVoicesGoOn states:SendTaskSuccess *", |ready| {
        erase_voice(&ready.voices[1])
    }),
    completion(
        "FindWhatIsToBeErased s3:ListBucketVersions eventzr-studio-assets-local",
        |ready| erase_voice(&ready.voices[2]),
    ),
    completion(
        "StoreOwnersRecordings s3:DeleteObjectVersion eventzr-studio-assets-local/voices/*",
        |ready| erase_voice(&ready.voices[3]),
    ),
    completion(
        "ReadAndEraseVoices s3:DeleteObject studio-local-voices/*",
        |ready| erase_voice(&ready.voices[4]),
    ),
];

/// The grants of the sweep. Everything open is overdue: jobs whose executions ended without a
/// result, and voices without an execution.
const NEEDS_OF_THE_SWEEP: &[Need] = &[
    completion(
        "LookAfter states:DescribeExecution execution:studio-render-local:*",
        |_| json!({ "step": "sweep" }),
    ),
    completion(
        "StartAgain states:StartExecution stateMachine:studio-render-local",
        |_| json!({ "step": "sweep" }),
    ),
    completion(
        "LookAfter states:DescribeExecution execution:studio-voice-training-local:*",
        |_| json!({ "step": "sweep" }),
    ),
    completion(
        "StartAgain states:StartExecution stateMachine:studio-voice-training-local",
        |_| json!({ "step": "sweep" }),
    ),
    completion(
        "FindOverdue dynamodb:Query table/studio-local/index/open",
        |_| json!({ "step": "sweep" }),
    ),
];

const fn consumer(grant: &'static str, payload: fn(&Ready) -> Value) -> Need {
    Need {
        of: "ConsumerPolicy",
        grant,
        who: "EventCreatedFunction",
        payload,
        says: DENIED,
    }
}

/// SAM grants the mapping access to its on-failure destination; the function writes its dead
/// letters to the same bucket.
const fn writes_dead_letters(function: &'static str) -> Need {
    let grant = "- s3:PutObject eventzr-studio-dead-letters-local/*";
    Need {
        of: function,
        grant,
        who: function,
        payload: |_| tombstone(),
        says: DENIED,
    }
}

const fn completion(grant: &'static str, payload: fn(&Ready) -> Value) -> Need {
    Need {
        of: "CompletionFunction",
        grant,
        who: "CompletionFunction",
        payload,
        says: DENIED,
    }
}

const fn operator(grant: &'static str, payload: fn(&Ready) -> Value) -> Need {
    Need {
        of: "OperatorFunction",
        grant,
        who: "OperatorFunction",
        payload,
        says: DENIED,
    }
}

/// The grants that nothing here enforces: Kafka, the mapping and Step Functions are not AWS's own,
/// and the sandbox plays Polly. The list follows AWS's Service Authorization Reference, and its
/// pages on the event source mapping.
fn not_checked() -> BTreeSet<(String, String)> {
    let mut grants = BTreeSet::new();
    let mut grant = |of: &str, what: String| {
        assert!(
            grants.insert((of.to_owned(), what.clone())),
            "{of}: {what} twice"
        )
    };

    // A producer without idempotence connects to the cluster, and describes and writes to the
    // topics that it publishes to.
    for (of, tells) in [
        ("ConsumerPolicy", &OPENED[..]),
        ("CompletionFunction", &[&OPENED[..], &CLOSED[..]].concat()),
        // A resubmitted job, and the event of a smoke check.
        (
            "OperatorFunction",
            &[&OPENED[2..], &["eventzr.event.created.v1"][..]].concat(),
        ),
    ] {
        grant(
            of,
            format!("Connect kafka-cluster:Connect cluster/{CLUSTER}"),
        );
        for topic in tells {
            grant(
                of,
                format!("Produce kafka-cluster:DescribeTopic topic/{CLUSTER}/{topic}"),
            );
            grant(
                of,
                format!("Produce kafka-cluster:WriteData topic/{CLUSTER}/{topic}"),
            );
        }
    }
    // A deployment creates the topics that the studio writes, and checks that the topics it reads
    // exist.
    for topic in Topic::ALL {
        if topic.is_consumed() {
            grant(
                "OperatorFunction",
                format!("LookForTopics kafka-cluster:DescribeTopic topic/{CLUSTER}/{topic}"),
            );
            continue;
        }
        for action in [
            "CreateTopic",
            "DescribeTopic",
            "DescribeTopicDynamicConfiguration",
            "AlterTopicDynamicConfiguration",
        ] {
            grant(
                "OperatorFunction",
                format!("MakeTopics kafka-cluster:{action} topic/{CLUSTER}/{topic}"),
            );
        }
    }
    // The mapping reads one topic in one group with the function's role. It also lists the bucket
    // of its on-failure destination.
    for (of, topic, group) in [
        (
            "EventCreatedFunction",
            Topic::EventCreated,
            "studio-event-created",
        ),
        (
            "EventPublishedFunction",
            Topic::EventPublished,
            "studio-event-published",
        ),
        (
            "CmsPublishedFunction",
            Topic::CmsPublished,
            "studio-cms-published",
        ),
        (
            "CampaignLaunchedFunction",
            Topic::CampaignLaunched,
            "studio-campaign-launched",
        ),
    ] {
        for action in ["DescribeTopic", "ReadData"] {
            grant(
                of,
                format!("Consume kafka-cluster:{action} topic/{CLUSTER}/{topic}"),
            );
        }
        for action in ["AlterGroup", "DescribeGroup"] {
            grant(
                of,
                format!("JoinTheGroup kafka-cluster:{action} group/{CLUSTER}/{group}"),
            );
        }
        grant(
            of,
            "- s3:ListBucket eventzr-studio-dead-letters-local".to_owned(),
        );
    }
    // Polly's speech actions have no resources.
    grant(
        "CompletionFunction",
        "Speak polly:StartSpeechSynthesisTask *".to_owned(),
    );
    grant(
        "CompletionFunction",
        "Speak polly:GetSpeechSynthesisTask *".to_owned(),
    );
    // The emulator's state machines do not check their role before they invoke a function.
    for machine in ["RenderStateMachine", "VoiceTrainingStateMachine"] {
        grant(
            machine,
            "TakeSteps lambda:InvokeFunction function:studio-completion-local".to_owned(),
        );
        // The emulator delivers no logs either.
        for action in [
            "CreateLogDelivery",
            "GetLogDelivery",
            "UpdateLogDelivery",
            "DeleteLogDelivery",
            "ListLogDeliveries",
            "PutResourcePolicy",
            "DescribeResourcePolicies",
            "DescribeLogGroups",
        ] {
            grant(machine, format!("DeliverLogs logs:{action} *"));
        }
    }
    grants
}

/// The cluster's part of the ARNs.
const CLUSTER: &str = "studio-local/00000000-0000-0000-0000-000000000000-s1";

/// The topics that a consumer publishes to, and the sweep on a consumer's behalf.
const OPENED: [&str; 3] = [
    "eventzr.studio.template.created.v1",
    "eventzr.studio.template.updated.v1",
    "eventzr.studio.render-job.created.v1",
];

/// The other topics that the completion function publishes to.
const CLOSED: [&str; 4] = [
    "eventzr.studio.render-job.completed.v1",
    "eventzr.studio.render-job.failed.v1",
    "eventzr.studio.voice-model.created.v1",
    "eventzr.studio.voice-model.ready.v1",
];

/// The roles: the service that assumes each one, and its attached policies. SAM attaches AWS's
/// policies: for the traces of a state machine, the logs of every function, its network interfaces
/// in a VPC, and for each mapping the brokers' addresses (kafka:DescribeClusterV2,
/// kafka:GetBootstrapBrokers) and the mapping's own interfaces.
fn roles() -> Vec<(&'static str, &'static str, &'static [&'static str])> {
    const FUNCTION: &[&str] = &[
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
    ];
    const CONSUMER: &[&str] = &[
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaMSKExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
        "ConsumerPolicy",
    ];
    const TRACED: &[&str] = &["AWSXrayWriteOnlyAccess"];
    vec![
        ("CampaignLaunchedFunction", "lambda.amazonaws.com", CONSUMER),
        ("CmsPublishedFunction", "lambda.amazonaws.com", CONSUMER),
        ("CompletionFunction", "lambda.amazonaws.com", FUNCTION),
        ("EventCreatedFunction", "lambda.amazonaws.com", CONSUMER),
        ("EventPublishedFunction", "lambda.amazonaws.com", CONSUMER),
        ("OperatorFunction", "lambda.amazonaws.com", FUNCTION),
        ("RenderStateMachine", "states.amazonaws.com", TRACED),
        ("VoiceTrainingStateMachine", "states.amazonaws.com", TRACED),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_of_its_grants_a_function_fails() {
    let mut studio = Studio::start_with(|options| {
        options.poll = false;
        options.providers = Providers {
            image: "studio-canvas".to_owned(),
            video: "runway".to_owned(),
            audio: "polly".to_owned(),
            voice: "elevenlabs".to_owned(),
        };
    })
    .await;
    let iam = Iam::of(&studio);
    let grants = iam.grants().await;
    every_grant_is_tried_or_listed(&grants);
    let expected = roles()
        .into_iter()
        .map(|(role, by, attached)| (format!("{role}Role"), by, attached));
    let found = iam.roles().await;
    let found: Vec<_> = found
        .iter()
        .map(|(name, role)| (name.as_str(), role.taken_by.as_str(), &role.attached))
        .collect();
    for ((role, by, attached), found) in expected.zip(&found) {
        assert_eq!(
            (role.as_str(), by, attached),
            (
                found.0,
                found.1,
                &found.2.iter().map(String::as_str).collect::<Vec<_>>()[..]
            )
        );
    }
    assert_eq!(found.len(), roles().len());

    studio.let_executions_do_nothing().await;
    let voices = &studio.stack.outputs.voice_state_machine_arn;
    let nothing =
        json!({ "StartAt": "Only", "States": { "Only": { "Type": "Succeed" } } }).to_string();
    studio
        .stack
        .clients
        .sfn
        .update_state_machine()
        .state_machine_arn(voices)
        .definition(nothing)
        .send()
        .await
        .unwrap();
    let mut ready = ready(&mut studio).await;
    for need in NEEDS {
        fails_without(&studio, &iam, &grants, need, &ready).await;
    }
    for need in NEEDS_OF_THE_OPERATOR {
        fails_without(&studio, &iam, &grants, need, &ready).await;
    }
    ready.voices = ready_voices(&studio).await;
    for need in NEEDS_OF_VOICES {
        fails_without(&studio, &iam, &grants, need, &ready).await;
    }
    for need in NEEDS_OF_THE_SWEEP {
        fails_without(&studio, &iam, &grants, need, &ready).await;
    }
    studio.stop().await;
}

fn every_grant_is_tried_or_listed(grants: &[Grant]) {
    let name = |grant: &Grant| {
        (
            grant.of.trim_end_matches("Role").to_owned(),
            grant.what.clone(),
        )
    };
    let found: BTreeSet<_> = grants.iter().map(name).collect();
    assert_eq!(found.len(), grants.len(), "something is granted twice");
    let needs = NEEDS
        .iter()
        .chain(NEEDS_OF_THE_OPERATOR)
        .chain(NEEDS_OF_VOICES)
        .chain(NEEDS_OF_THE_SWEEP);
    let mut expected: BTreeSet<_> = needs
        .map(|need| (need.of.to_owned(), need.grant.to_owned()))
        .collect();
    expected.extend(not_checked());
    let (more, less): (Vec<_>, Vec<_>) = (
        found.difference(&expected).collect(),
        expected.difference(&found).collect(),
    );
    assert!(
        more.is_empty() && less.is_empty(),
        "granted, and nobody says what for: {more:#?}\nnot granted: {less:#?}"
    );
}

/// Checks that the step fails without the grant, and that it works with the grant restored.
async fn fails_without(studio: &Studio, iam: &Iam, grants: &[Grant], need: &Need, ready: &Ready) {
    let is_it =
        |grant: &&Grant| grant.of.trim_end_matches("Role") == need.of && grant.what == need.grant;
    let grant = grants.iter().find(is_it).unwrap();
    let sweeps = (need.payload)(ready)["step"] == "sweep";
    if sweeps {
        // A new voice, because the earlier sweeps may have given up on the others.
        new_voice(studio).await;
        let_deadlines_pass(studio).await;
    }
    if (need.payload)(ready)["step"] == "gather" {
        give_up(studio).await;
    }
    let whole = iam.without(grant).await;
    let without = react(studio, need, ready).await;
    iam.restore(grant, &whole).await;
    assert!(
        without.contains(need.says),
        "{} does without {}: {without}",
        need.who,
        need.grant
    );
    if sweeps {
        let_deadlines_pass(studio).await;
    }
    let with = react(studio, need, ready).await;
    assert!(
        !with.contains(need.says),
        "{} fails with {} too: {with}",
        need.who,
        need.grant
    );
}

/// The answer of a function and its whole log. The tail that comes with an answer has only 4 KiB,
/// and a denial may be before that.
async fn react(studio: &Studio, need: &Need, ready: &Ready) -> String {
    let clients = &studio.stack.clients;
    let asked = [("StackName", STACK), ("LogicalResourceId", need.who)];
    let resource = clients
        .aws
        .query(
            QueryService::CloudFormation,
            "DescribeStackResource",
            &asked,
        )
        .await
        .unwrap();
    let function = resource["StackResourceDetail"]["PhysicalResourceId"]
        .as_str()
        .unwrap();
    let begin = jiff::Timestamp::now().as_millisecond();
    let (answer, tail) = try_to_invoke(&studio.stack, function, &(need.payload)(ready)).await;
    let log = logged_since(&clients.aws, &format!("/aws/lambda/{function}"), begin)
        .await
        .unwrap()
        .concat();
    format!("{answer:?}\n{log}\n{tail}")
}
