//! Each role has the grants that it needs, and no others. The test removes every grant that the
//! emulator enforces, one at a time, and expects a step to fail that worked before. It compares the
//! other grants with a list.

mod denied;
mod reaction;
mod ready;

use std::{collections::BTreeSet, time::Duration};

use contract::Topic;
use fault_proxy::{Action, Fault, Matches, Occurrence};
use local::deploy::Providers;
use serde_json::{Value, json};

use crate::{
    grants::{Grant, Iam},
    harness::Studio,
    sweep::let_deadlines_pass,
};
use reaction::{PATIENCE, react};
use ready::{
    Ready, await_owner, batch, created_now, described_now, discard, erase, erase_voice, gather,
    give_up, list_dead_letters, new_voice, notice, ready, ready_voices, redrive, register,
    resubmit, show_unknown, step, tombstone, too_old, unreadable,
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
    payload: Payload,
    /// A text that the answer or the log contains only without the grant.
    says: &'static str,
}

/// The payload of an invocation.
enum Payload {
    /// What this function makes of what is ready.
    Of(fn(&Ready) -> Value),
    /// The redrive of a topic's dead letters.
    Redrive(Topic),
}

impl Need {
    fn payload(&self, ready: &Ready) -> Value {
        match self.payload {
            Payload::Of(payload) => payload(ready),
            Payload::Redrive(topic) => redrive(topic.as_str(), true),
        }
    }
}

const DENIED: &str = "AccessDenied";

/// What becomes of a denied read of a vendor's key, whose answer is not repeated.
const MAY_NOT_READ: &str = "the function may not read it";

/// The grants that the emulator enforces. A function caches a vendor's key for a while, so a step
/// that must read the key comes before other steps that use it.
const NEEDS: &[Need] = &[
    // Consumers: one of them stands for all.
    consumer(
        "CommitDecisions dynamodb:PutItem table/studio-local of inbound#*, entity#*, job#*",
        |_| batch(&created_now("keep")),
    ),
    consumer(
        "MarkPublishedAndIndexDeadLetters dynamodb:UpdateItem table/studio-local of inbound#*, dead-letter#*",
        |_| batch(&described_now()),
    ),
    // Only the entry of such an event is looked for.
    consumer(
        "ReadItems dynamodb:GetItem table/studio-local of inbound#*, entity#*, job#*, tenant#*, set-aside#*",
        |_| batch(&too_old()),
    ),
    consumer(
        "LookUpBatches dynamodb:BatchGetItem table/studio-local of inbound#*, entity#*, job#*, tenant#*",
        |_| batch(&created_now("look")),
    ),
    consumer(
        "CheckTombstones dynamodb:ConditionCheckItem table/studio-local of tenant#*",
        |_| batch(&created_now("check")),
    ),
    consumer("SendJobs sqs:SendMessage studio-render-local", |_| {
        batch(&created_now("send"))
    }),
    // Completion: the table.
    completion(
        "ReadItems dynamodb:GetItem table/studio-local of inbound#*, entity#*, job#*, voice#*, provider#*, tenant#*, kept#*",
        |ready| step("poll", &ready.drawn[0]),
    ),
    completion(
        "CommitDecisions dynamodb:PutItem table/studio-local of entity#*, job#*, voice#*, provider#*, waiting#*, kept#*",
        |ready| step("submit", &ready.drawn[0]),
    ),
    // The end of the job is marked published.
    completion(
        "MarkPublishedAndPutBehind dynamodb:UpdateItem table/studio-local not of entity#*, provider#*, tenant#*, dead-letter#*, audit#*, waiting#*, kept#*, set-aside#*",
        |ready| step("cancel", &ready.drawn[0]),
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
        "StoreAssets s3:DeleteObject eventzr-studio-assets-local/renders/*",
        |ready| step("poll", &ready.spoken[1]),
    ),
    Need {
        says: "an upload is left to the bucket's lifecycle",
        ..completion(
            "StoreAssets s3:AbortMultipartUpload eventzr-studio-assets-local/renders/*",
            |ready| step("poll", &ready.filmed),
        )
    },
    // A tenant's second video finds no lease, and joins the line.
    completion(
        "CountOpenJobs dynamodb:Query table/studio-local/index/open-by-tenant",
        |ready| step("submit", &ready.waiting),
    ),
    completion(
        "LeaveLinesAndForgetKept dynamodb:DeleteItem table/studio-local of waiting#*, kept#*",
        |ready| step("cancel", &ready.in_line),
    ),
    // A cancelled job counts as failed.
    completion(
        "SendNotices sqs:SendMessage studio-notices-local",
        |ready| step("cancel", &ready.unwatched[0]),
    ),
    Need {
        // S3 gives the same answer for a missing object, and so the function's sentence names both
        // causes.
        says: "there is no logo where the brand says",
        ..completion("ReadLogos s3:GetObject studio-local-logos/*", |ready| {
            step("submit", &ready.with_logo)
        })
    },
    // Completion: voices.
    Need {
        says: "no key: ",
        ..completion(
            "ReadVendorsKeys secretsmanager:GetSecretValue secret:studio/local/*",
            |ready| register(&ready.trainings[0]),
        )
    },
    Need {
        says: "There is nothing at s3://",
        ..completion("ReadVoices s3:GetObject studio-local-voices/*", |ready| {
            register(&ready.trainings[1])
        })
    },
    completion(
        "CheckTombstones dynamodb:ConditionCheckItem table/studio-local of tenant#*",
        |ready| register(&ready.trainings[2]),
    ),
];

/// The grants of the render function. A picture that fails is put off and stays open; with the grant
/// it is drawn, and its job is closed. The function caches the secret of the paths, so the message
/// that must read it comes first.
const NEEDS_OF_RENDER: &[Need] = &[
    render(
        "ReadPathsSecret secretsmanager:GetSecretValue secret:studio/local/asset-paths-??????",
        |ready| ready.pictures[0].clone(),
    ),
    render(
        "ReadItems dynamodb:BatchGetItem table/studio-local of inbound#*, entity#*, job#*, tenant#*, provider#*",
        |ready| ready.pictures[1].clone(),
    ),
    render(
        "CommitEndsAndJoinLines dynamodb:PutItem table/studio-local of entity#*, job#*, waiting#*",
        |ready| ready.pictures[2].clone(),
    ),
    render(
        "CheckTombstones dynamodb:ConditionCheckItem table/studio-local of tenant#*",
        |ready| ready.pictures[3].clone(),
    ),
    render(
        "StoreAssets s3:PutObject eventzr-studio-assets-local/renders/*",
        |ready| ready.pictures[4].clone(),
    ),
    // S3 is in trouble in this row, so that the message must be put off.
    render("PutOff sqs:SendMessage studio-render-local", |ready| {
        ready.pictures[5].clone()
    }),
    render(
        "SendNotices sqs:SendMessage studio-notices-local",
        |ready| ready.illegible.clone(),
    ),
    // Its tenant is being erased, so the picture that was stored is deleted.
    render(
        "StoreAssets s3:DeleteObject eventzr-studio-assets-local/renders/*",
        |ready| ready.unwanted.clone(),
    ),
    Need {
        // S3 gives the same answer for a missing object, and so the function's sentence names both
        // causes.
        says: "there is no logo where the brand says",
        ..render("ReadLogos s3:GetObject studio-local-logos/*", |ready| {
            ready.branded.clone()
        })
    },
    // The first starts the execution, which does nothing. The others find it.
    render(
        "StartLongOnes states:StartExecution stateMachine:studio-render-local",
        |ready| ready.long.clone(),
    ),
    render(
        "ReadItems dynamodb:GetItem table/studio-local of inbound#*, entity#*, job#*, tenant#*, provider#*",
        |ready| ready.long.clone(),
    ),
    // A tenant's third video finds no room.
    render(
        "CountOpenJobs dynamodb:Query table/studio-local/index/open-by-tenant",
        |ready| ready.crowded.clone(),
    ),
    render(
        "LookAfterLongOnes states:DescribeExecution execution:studio-render-local:*",
        |ready| ready.long.clone(),
    ),
    render(
        "WriteDeadLetters s3:PutObject eventzr-studio-dead-letters-local/records/*",
        |_| unreadable(),
    ),
    render(
        "MarkAndIndexDeadLetters dynamodb:UpdateItem table/studio-local of inbound#*, job#*, dead-letter#*",
        |_| unreadable(),
    ),
];

/// The grants of the erase function. It reads the secret of the paths when it starts, and caches a
/// vendor's key, so the steps that must read them come first.
const NEEDS_OF_ERASE: &[Need] = &[
    erasing(
        "ReadKeysOfVendorsThatDelete secretsmanager:GetSecretValue secret:studio/local/asset-paths-??????",
        |_| erase("tenant-spot-1"),
    ),
    Need {
        says: MAY_NOT_READ,
        ..erasing(
            "ReadKeysOfVendorsThatDelete secretsmanager:GetSecretValue secret:studio/local/runway-??????",
            |_| erase("tenant-film"),
        )
    },
    erasing(
        "BlankAndMarkPublished dynamodb:UpdateItem table/studio-local of inbound#*, job#*, voice#*, tenant#*, dead-letter#*",
        |_| erase("tenant-without-data"),
    ),
    // It has a job that waits for its turn.
    erasing(
        "LeaveLinesAndForgetKept dynamodb:DeleteItem table/studio-local of waiting#*, kept#*",
        |_| erase("tenant-in-line"),
    ),
    erasing(
        "WriteTombstones dynamodb:BatchWriteItem table/studio-local of tenant#*",
        |_| erase("tenant-without-data"),
    ),
    erasing(
        "FindAllOfATenant dynamodb:Query table/studio-local/index/by-tenant",
        |_| erase("tenant-without-data"),
    ),
    // It has an open job, whose end is committed.
    erasing(
        "CheckTombstones dynamodb:ConditionCheckItem table/studio-local of tenant#*",
        |_| erase("tenant-erased"),
    ),
    // Its picture is stored.
    erasing(
        "EraseFiles s3:DeleteObjectVersion eventzr-studio-assets-local/renders/*",
        |_| erase("tenant-logo"),
    ),
    erasing(
        "FindWhatIsToBeErased s3:ListBucketVersions eventzr-studio-dead-letters-local",
        |_| erase("tenant-dead-letter-1"),
    ),
    erasing(
        "EraseFiles s3:DeleteObjectVersion eventzr-studio-dead-letters-local/records/*",
        |_| erase("tenant-dead-letter-2"),
    ),
    // Only a pass that may be the last asks the CDN, and the erasing of this tenant began with the
    // first row. The emulator has no such distribution, so that is what it says with the grant.
    erasing(
        "InvalidateCopies cloudfront:CreateInvalidation distribution/EDFDVBD632BHDS5",
        |_| erase("tenant-spot-1"),
    ),
];

/// The grants of the operator function, in the order of its steps.
const NEEDS_OF_THE_OPERATOR: &[Need] = &[
    operator(
        "ReadItems dynamodb:GetItem table/studio-local of inbound#*, entity#*, job#*, voice#*, provider#*, tenant#*, dead-letter#*",
        |_| show_unknown(),
    ),
    operator(
        "List dynamodb:BatchGetItem table/studio-local of job#*, voice#*, dead-letter#*, audit#*",
        |_| list_dead_letters(),
    ),
    operator(
        "ResolveAndMark dynamodb:UpdateItem table/studio-local of inbound#*, job#*, tenant#*, dead-letter#*, audit#*",
        |_| discard("tenant-dead-letter-4"),
    ),
    operator(
        "ResubmitAndCloseBreakers dynamodb:PutItem table/studio-local of inbound#*, entity#*, job#*, provider#*, audit#*, set-aside#*",
        |ready| resubmit(&ready.cancelled[0]),
    ),
    operator(
        "FindWhatWaits dynamodb:Query table/studio-local/index/open",
        |_| list_dead_letters(),
    ),
    operator(
        "FindWhatEndedShort dynamodb:Query table/studio-local/index/ended",
        |_| json!({ "step": "list-jobs", "filter": { "state": "failed" }, "most": 10 }),
    ),
    operator(
        "CountWhatWaitsForItsTurn dynamodb:Query table/studio-local of waiting#*",
        |_| json!({ "step": "list-providers" }),
    ),
    operator(
        "FindAllOfATenant dynamodb:Query table/studio-local/index/by-tenant",
        |_| json!({ "step": "list-jobs", "tenant": "tenant-known", "most": 10 }),
    ),
    operator(
        "NoteRuns dynamodb:UpdateItem table/studio-local of schedule#*",
        |_| gather(),
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
        "InvokeOthers lambda:InvokeFunction function:studio-completion-local",
        |ready| json!({ "step": "cancel-job", "tenant": "tenant-open", "job": ready.open, "execute": true }),
    ),
    operator(
        "InvokeOthers lambda:InvokeFunction function:studio-erase-local",
        |_| json!({ "step": "erase-tenant", "tenant": "tenant-without-data", "execute": true }),
    ),
    operator("SendAgain sqs:SendMessage studio-render-local", |ready| {
        resubmit(&ready.cancelled[1])
    }),
    operator(
        "LookAtQueues sqs:GetQueueAttributes studio-render-local",
        |_| json!({ "step": "queue" }),
    ),
    operator(
        "LookAtQueues sqs:GetQueueAttributes studio-render-dead-letters-local",
        |_| json!({ "step": "queue" }),
    ),
    operator(
        "SeeHowJobsAre states:DescribeExecution execution:studio-render-local:*",
        |ready| json!({ "step": "show-job", "tenant": "tenant-overdue", "job": ready.overdue }),
    ),
];

/// The grants of the watch function. It says which readings failed, and its log says why.
const NEEDS_OF_WATCH: &[Need] = &[
    watching("FindWhatIsOpen dynamodb:Query table/studio-local/index/open"),
    watching(
        "SeeSinceWhen dynamodb:BatchGetItem table/studio-local of job#*, voice#* only pk, sk, open, listed, version, expires_at",
    ),
    watching("SeeWhenSchedulesRan dynamodb:GetItem table/studio-local of schedule#*"),
    watching("SeeWhenSchedulesRan dynamodb:UpdateItem table/studio-local of schedule#*"),
    watching("LookAtTheQueue sqs:GetQueueAttributes studio-render-local"),
];

/// The grants of the notify function. It caches the teams' webhooks, so the notice for which it must
/// read them comes first.
const NEEDS_OF_NOTIFY: &[Need] = &[
    notifying("ReadWebhooks secretsmanager:GetSecretValue secret:studio-notices/local-??????"),
    notifying("ReadEndsAndTombstones dynamodb:GetItem table/studio-local of job#*, tenant#*"),
    notifying("PutOnTheBus events:PutEvents event-bus/default"),
];

/// The grants for a voice that waits for its owner.
const NEEDS_OF_VOICES: &[Need] = &[
    completion(
        "StoreTextsForOwners s3:PutObject eventzr-studio-assets-local/voices/*",
        |ready| await_owner(&ready.voices[0]),
    ),
    // The first that asks the vendor to delete something.
    Need {
        says: MAY_NOT_READ,
        ..erasing(
            "ReadKeysOfVendorsThatDelete secretsmanager:GetSecretValue secret:studio/local/elevenlabs-??????",
            |ready| erase_voice(&ready.voices[1]),
        )
    },
    erasing(
        "EraseVoices s3:DeleteObjectVersion studio-local-voices/*",
        |ready| erase_voice(&ready.voices[2]),
    ),
    erasing("LetVoicesGoOn states:SendTaskSuccess *", |ready| {
        erase_voice(&ready.voices[3])
    }),
    erasing(
        "FindWhatIsToBeErased s3:ListBucketVersions eventzr-studio-assets-local",
        |ready| erase_voice(&ready.voices[4]),
    ),
    erasing(
        "EraseFiles s3:DeleteObjectVersion eventzr-studio-assets-local/voices/*",
        |ready| erase_voice(&ready.voices[5]),
    ),
    erasing(
        "FindVersionsOfVoices s3:ListBucketVersions studio-local-voices",
        |ready| erase_voice(&ready.voices[6]),
    ),
    erasing(
        "ReadItems dynamodb:GetItem table/studio-local of inbound#*, entity#*, job#*, voice#*, provider#*, tenant#*, dead-letter#*",
        |ready| erase_voice(&ready.voices[7]),
    ),
    erasing(
        "CommitEndsAndErase dynamodb:PutItem table/studio-local of entity#*, job#*, voice#*, provider#*",
        |ready| erase_voice(&ready.voices[7]),
    ),
    // Its voice is being erased, so the execution is to go on at once.
    completion("LetVoicesGoOn states:SendTaskSuccess *", |ready| {
        await_owner(&ready.voices[1])
    }),
];

/// The grants of the sweep. Everything open is overdue: pictures whose messages are lost, a video and
/// voices without an execution.
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
        "LookAtQueues sqs:GetQueueAttributes studio-render-local",
        |_| json!({ "step": "sweep" }),
    ),
    completion(
        "LookAtQueues sqs:GetQueueAttributes studio-render-dead-letters-local",
        |_| json!({ "step": "sweep" }),
    ),
    completion(
        "SendAgain sqs:SendMessage studio-render-local",
        |_| json!({ "step": "sweep" }),
    ),
    completion(
        "FindWhoseTurnItIs dynamodb:Query table/studio-local of waiting#*",
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
        payload: Payload::Of(payload),
        says: DENIED,
    }
}

/// The function that consumes `topic`: the template names it after the variant.
fn function_of(topic: Topic) -> String {
    format!("{topic:?}Function")
}

/// The grants that each consumer has of its own: the bucket of its dead letters, and the operator
/// function's to give it records. They are constants like the rows above, so the texts are leaked.
fn needs_of_each_consumer() -> Vec<Need> {
    let of = |topic: Topic| {
        let function: &str = function_of(topic).leak();
        // SAM grants the mapping access to its on-failure destination; the function writes its dead
        // letters to the same bucket.
        let writes_dead_letters = Need {
            of: function,
            grant: "- s3:PutObject eventzr-studio-dead-letters-local/*",
            who: function,
            payload: Payload::Of(|_| tombstone()),
            says: DENIED,
        };
        let invoke = format!(
            "InvokeOthers lambda:InvokeFunction function:studio-{}-local",
            topic.consumer().unwrap()
        );
        let takes_records = Need {
            of: "OperatorFunction",
            grant: invoke.leak(),
            who: "OperatorFunction",
            payload: Payload::Redrive(topic),
            says: DENIED,
        };
        [writes_dead_letters, takes_records]
    };
    Topic::consumed().flat_map(of).collect()
}

const fn render(grant: &'static str, payload: fn(&Ready) -> Value) -> Need {
    Need {
        of: "RenderFunction",
        grant,
        who: "RenderFunction",
        payload: Payload::Of(payload),
        says: DENIED,
    }
}

const fn completion(grant: &'static str, payload: fn(&Ready) -> Value) -> Need {
    Need {
        of: "CompletionFunction",
        grant,
        who: "CompletionFunction",
        payload: Payload::Of(payload),
        says: DENIED,
    }
}

const fn erasing(grant: &'static str, payload: fn(&Ready) -> Value) -> Need {
    Need {
        of: "EraseFunction",
        grant,
        who: "EraseFunction",
        payload: Payload::Of(payload),
        says: DENIED,
    }
}

const fn operator(grant: &'static str, payload: fn(&Ready) -> Value) -> Need {
    Need {
        of: "OperatorFunction",
        grant,
        who: "OperatorFunction",
        payload: Payload::Of(payload),
        says: DENIED,
    }
}

const fn watching(grant: &'static str) -> Need {
    Need {
        of: "WatchFunction",
        grant,
        who: "WatchFunction",
        payload: Payload::Of(|_| json!({})),
        says: DENIED,
    }
}

const fn notifying(grant: &'static str) -> Need {
    Need {
        of: "NotifyFunction",
        grant,
        who: "NotifyFunction",
        payload: Payload::Of(|ready| notice(&ready.unwatched[0])),
        says: DENIED,
    }
}

/// Whether `grant` is the watch function's to look at one of the mappings: one row stands for all,
/// because their ids are new in each stack.
fn is_of_a_mapping(grant: &Grant) -> bool {
    let what = "LookAtMappings lambda:GetEventSourceMapping event-source-mapping:";
    grant.of == "WatchFunctionRole" && grant.what.starts_with(what)
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
        // The ends of what it draws.
        ("RenderFunction", &[&OPENED[1..2], &CLOSED[..2]].concat()),
        ("CompletionFunction", &[&OPENED[..], &CLOSED[..]].concat()),
        // The end of a job that an erasure cancels, or that it finds.
        ("EraseFunction", &[&OPENED[1..2], &CLOSED[..2]].concat()),
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
    grant(
        "KafkaTopicsFunction",
        format!("Connect kafka-cluster:Connect cluster/{CLUSTER}"),
    );
    for topic in Topic::ALL {
        if topic.is_consumed() {
            grant(
                "KafkaTopicsFunction",
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
                "KafkaTopicsFunction",
                format!("MakeTopics kafka-cluster:{action} topic/{CLUSTER}/{topic}"),
            );
        }
    }
    // The mapping reads one topic in one group with the function's role. It also lists the bucket
    // of its on-failure destination.
    for topic in Topic::consumed() {
        let (of, group) = (
            function_of(topic),
            format!("studio-{}-local", topic.consumer().unwrap()),
        );
        for action in ["DescribeTopic", "ReadData"] {
            grant(
                &of,
                format!("Consume kafka-cluster:{action} topic/{CLUSTER}/{topic}"),
            );
        }
        for action in ["AlterGroup", "DescribeGroup"] {
            grant(
                &of,
                format!("JoinTheGroup kafka-cluster:{action} group/{CLUSTER}/{group}"),
            );
        }
        grant(
            &of,
            "- s3:ListBucket eventzr-studio-dead-letters-local".to_owned(),
        );
    }
    // `watch` sees how far each topic goes, and how far its consumer's group is, and reads neither.
    grant(
        "WatchFunction",
        format!("Connect kafka-cluster:Connect cluster/{CLUSTER}"),
    );
    for topic in Topic::consumed() {
        let group = format!("studio-{}-local", topic.consumer().unwrap());
        grant(
            "WatchFunction",
            format!("SeeHowFarTopicsGo kafka-cluster:DescribeTopic topic/{CLUSTER}/{topic}"),
        );
        grant(
            "WatchFunction",
            format!("SeeHowFarGroupsAre kafka-cluster:DescribeGroup group/{CLUSTER}/{group}"),
        );
    }
    // Lambda puts a schedule's run that failed into the queue, with the function's role.
    for of in ["CompletionFunction", "OperatorFunction", "WatchFunction"] {
        grant(
            of,
            "- sqs:SendMessage studio-schedules-dead-letters-local".to_owned(),
        );
    }
    // A consumer makes its first connection to the queue by asking for its attributes. Without the
    // grant it goes on, and AWS records a call that was denied at every start.
    grant(
        "ConsumerPolicy",
        "ConnectToTheQueue sqs:GetQueueAttributes studio-render-local".to_owned(),
    );
    // Polly's speech actions have no resources.
    grant(
        "CompletionFunction",
        "Speak polly:StartSpeechSynthesisTask *".to_owned(),
    );
    grant(
        "CompletionFunction",
        "Speak polly:GetSpeechSynthesisTask *".to_owned(),
    );
    grant(
        "EraseFunction",
        "AskWhatPollyWrites polly:GetSpeechSynthesisTask *".to_owned(),
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
/// kafka:GetBootstrapBrokers) and the mapping's own interfaces, or what a mapping does with a queue
/// (sqs:ReceiveMessage, sqs:DeleteMessage, sqs:GetQueueAttributes).
fn roles() -> Vec<(String, &'static str, &'static [&'static str])> {
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
    const OF_A_QUEUE: &[&str] = &[
        "AWSLambdaBasicExecutionRole",
        "AWSLambdaSQSQueueExecutionRole",
        "AWSLambdaVPCAccessExecutionRole",
    ];
    const TRACED: &[&str] = &["AWSXrayWriteOnlyAccess"];
    let others = [
        ("CompletionFunction", "lambda.amazonaws.com", FUNCTION),
        ("EraseFunction", "lambda.amazonaws.com", FUNCTION),
        ("KafkaTopicsFunction", "lambda.amazonaws.com", FUNCTION),
        ("OperatorFunction", "lambda.amazonaws.com", FUNCTION),
        ("NotifyFunction", "lambda.amazonaws.com", OF_A_QUEUE),
        ("RenderFunction", "lambda.amazonaws.com", OF_A_QUEUE),
        ("RenderStateMachine", "states.amazonaws.com", TRACED),
        ("VoiceTrainingStateMachine", "states.amazonaws.com", TRACED),
        ("WatchFunction", "lambda.amazonaws.com", FUNCTION),
    ];
    let mut roles: Vec<_> = Topic::consumed()
        .map(|topic| (function_of(topic), "lambda.amazonaws.com", CONSUMER))
        .chain(others.map(|(role, by, attached)| (role.to_owned(), by, attached)))
        .collect();
    roles.sort();
    roles
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_one_of_its_grants_a_function_fails() {
    let mut studio = Studio::on_apache_kafka(|options| {
        options.poll = false;
        options.asset_distribution_arn =
            "arn:aws:cloudfront::000000000000:distribution/EDFDVBD632BHDS5".to_owned();
        options.webhooks = true;
        options.notices_event_bus = "default".to_owned();
        options.providers = Providers {
            image: "studio-canvas".to_owned(),
            video: "runway".to_owned(),
            audio: "polly".to_owned(),
            voice: "elevenlabs".to_owned(),
        };
        options.provider_settings =
            json!({ "runway": { "inFlight": { "all": 4, "perTenant": 1 } } });
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

    // No team has a webhook, and the secret says so.
    let secrets = &studio.stack.clients.secrets;
    let create = secrets.create_secret().name("studio-notices/local");
    create.secret_string("{}").send().await.unwrap();
    // Each message is delivered by hand.
    studio.hold_the_queue().await;
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
    for need in NEEDS_OF_RENDER {
        fails_without(&studio, &iam, &grants, need, &ready).await;
    }
    for need in NEEDS_OF_ERASE {
        fails_without(&studio, &iam, &grants, need, &ready).await;
    }
    for need in NEEDS_OF_THE_OPERATOR {
        fails_without(&studio, &iam, &grants, need, &ready).await;
    }
    for need in needs_of_each_consumer() {
        fails_without(&studio, &iam, &grants, &need, &ready).await;
    }
    for need in NEEDS_OF_NOTIFY {
        fails_without(&studio, &iam, &grants, need, &ready).await;
    }
    for need in NEEDS_OF_WATCH {
        fails_without(&studio, &iam, &grants, need, &ready).await;
    }
    let of_mappings: Vec<&Grant> = grants.iter().filter(|one| is_of_a_mapping(one)).collect();
    assert_eq!(of_mappings.len(), Topic::consumed().count() + 2);
    for grant in of_mappings {
        let need = watching(grant.what.clone().leak());
        fails_without(&studio, &iam, &grants, &need, &ready).await;
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
    let listed = grants.iter().filter(|grant| !is_of_a_mapping(grant));
    let found: BTreeSet<_> = listed.clone().map(name).collect();
    assert_eq!(found.len(), listed.count(), "something is granted twice");
    let of_each_consumer = needs_of_each_consumer();
    let needs = NEEDS
        .iter()
        .chain(&of_each_consumer)
        .chain(NEEDS_OF_RENDER)
        .chain(NEEDS_OF_ERASE)
        .chain(NEEDS_OF_THE_OPERATOR)
        .chain(NEEDS_OF_NOTIFY)
        .chain(NEEDS_OF_WATCH)
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
        "granted, and no row says what for: {more:#?}\nnot granted: {less:#?}"
    );
}

/// Checks that the step fails without the grant, and that it works with the grant restored.
async fn fails_without(studio: &Studio, iam: &Iam, grants: &[Grant], need: &Need, ready: &Ready) {
    let is_it =
        |grant: &&Grant| grant.of.trim_end_matches("Role") == need.of && grant.what == need.grant;
    let grant = grants.iter().find(is_it).unwrap();
    let sweeps = need.payload(ready)["step"] == "sweep";
    if sweeps {
        // A new voice, because the earlier sweeps may have given up on the others.
        new_voice(studio).await;
        all_is_overdue(studio).await;
    }
    if need.grant.starts_with("PutOff ") {
        let matches = Matches {
            service: Some("s3".to_owned()),
            operation: Some("PutObject".to_owned()),
            occurrence: Occurrence::Every,
            ..Matches::default()
        };
        let action = Action::Fail {
            status: 503,
            error: "SlowDown".to_owned(),
        };
        studio.stack.proxy.inject(Fault { matches, action });
    }
    if need.payload(ready)["step"] == "gather" {
        give_up(studio).await;
    }
    let whole = iam.without(grant).await;
    let without = react(studio, need, ready, PATIENCE).await;
    iam.restore(grant, &whole).await;
    assert!(
        without.contains(need.says),
        "{} does without {}: {without}",
        need.who,
        need.grant
    );
    if sweeps {
        all_is_overdue(studio).await;
    }
    let with = react(studio, need, ready, Duration::ZERO).await;
    studio.stack.proxy.heal();
    assert!(
        !with.contains(need.says),
        "{} fails with {} too: {with}",
        need.who,
        need.grant
    );
}

/// Everything open is overdue, and the queue is empty: the messages about pictures are lost.
async fn all_is_overdue(studio: &Studio) {
    let_deadlines_pass(studio).await;
    studio.receive_messages().await;
}
