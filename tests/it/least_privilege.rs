//! Each role may do what it does, and nothing more: every grant that the emulator enforces is taken
//! away by itself, and something fails that worked before. What it does not enforce is compared
//! with a list.

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

/// A grant, and what cannot be done without it.
struct Need {
    /// The role or policy that grants it, without what it is.
    of: &'static str,
    /// Statement, action, resource.
    grant: &'static str,
    /// The function that needs it.
    who: &'static str,
    /// What it is invoked with.
    payload: fn(&Ready) -> Value,
    /// What its answer or its log then says, and says only then.
    says: &'static str,
}

const DENIED: &str = "AccessDenied";

/// What a function needs of the roles and policies that the emulator enforces. A vendor's key is
/// read once in a while: what has to read it comes before what has it read.
const NEEDS: &[Need] = &[
    // ---- consumers: what all of them have, tried by one of them
    // --------------------------------------------------------------
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
    // ---- completion: the table
    // -----------------------------------------------------------------------------------------------
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
    // ---- completion: files
    // ---------------------------------------------------------------------------------------------------
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
        // S3 says the same of what is not there, and so does the function.
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
    // ---- completion: voices
    // --------------------------------------------------------------------------------------------------
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

/// What the operator function needs, by what it is asked for.
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

/// What a voice needs once its owner is waited for.
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

/// What the sweep needs, of which all that is open is overdue: jobs whose executions ended without
/// a word, voices that have none.
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

/// SAM lets the mapping put into its destination what it gave up; the function puts there what can
/// never succeed.
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

/// What nobody here checks: Kafka, the mapping and Step Functions are not AWS's, and Polly is the
/// sandbox's. Held to what AWS says is needed: its Service Authorization Reference and its pages on
/// the mapping, as shared/facts/aws.md 3.1 has them.
fn not_checked() -> BTreeSet<(String, String)> {
    let mut grants = BTreeSet::new();
    let mut grant = |of: &str, what: String| {
        assert!(
            grants.insert((of.to_owned(), what.clone())),
            "{of}: {what} twice"
        )
    };

    // A producer without idempotence: connect to the cluster; describe and write to the topics that
    // it tells.
    for (of, tells) in [
        ("ConsumerPolicy", &OPENED[..]),
        ("CompletionFunction", &[&OPENED[..], &CLOSED[..]].concat()),
        // A job that is made again, and the event of a smoke check.
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
    // A deployment makes the topics that are written, and looks for those that are read.
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
    // The mapping reads as the function: one topic, in one group. Where it puts what it gave up, it
    // lists the bucket too.
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
    // Polly knows no resources for speech.
    grant(
        "CompletionFunction",
        "Speak polly:StartSpeechSynthesisTask *".to_owned(),
    );
    grant(
        "CompletionFunction",
        "Speak polly:GetSpeechSynthesisTask *".to_owned(),
    );
    // The emulator's state machines invoke without asking their role.
    for machine in ["RenderStateMachine", "VoiceTrainingStateMachine"] {
        grant(
            machine,
            "TakeSteps lambda:InvokeFunction function:studio-completion-local".to_owned(),
        );
        // Nor does it deliver logs.
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

/// The cluster in the ARNs of what is on it.
const CLUSTER: &str = "studio-local/00000000-0000-0000-0000-000000000000-s1";

/// What a consumer tells, and the sweep in its place.
const OPENED: [&str; 3] = [
    "eventzr.studio.template.created.v1",
    "eventzr.studio.template.updated.v1",
    "eventzr.studio.render-job.created.v1",
];

/// What the completion function tells besides.
const CLOSED: [&str; 4] = [
    "eventzr.studio.render-job.completed.v1",
    "eventzr.studio.render-job.failed.v1",
    "eventzr.studio.voice-model.created.v1",
    "eventzr.studio.voice-model.ready.v1",
];

/// Who takes each role, and what is attached to it. SAM attaches AWS's: the traces of a state
/// machine; the logs of every function; its network interfaces in a VPC; and, where there is a
/// mapping, the brokers' addresses (kafka:DescribeClusterV2, kafka:GetBootstrapBrokers) and the
/// mapping's own interfaces.
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
async fn without_any_one_of_its_grants_a_function_fails_and_what_is_not_enforced_is_what_aws_says_is_needed()
 {
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

/// Takes the grant away and sees it missed; gives it back and sees that it was that.
async fn fails_without(studio: &Studio, iam: &Iam, grants: &[Grant], need: &Need, ready: &Ready) {
    let is_it =
        |grant: &&Grant| grant.of.trim_end_matches("Role") == need.of && grant.what == need.grant;
    let grant = grants.iter().find(is_it).unwrap();
    let sweeps = (need.payload)(ready)["step"] == "sweep";
    if sweeps {
        // One that the sweeps before have not given up.
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

/// What a function answers, and what it logs: all of it, for the tail that comes with an answer is
/// 4 KiB, and what was denied may stand before that.
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
