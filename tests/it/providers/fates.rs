//! What happens to a job, for each behaviour of each vendor.

use super::*;

/// How many cases run at once. A step above the concurrency limit is throttled and retried. With
/// forty such jobs the emulator has time for nothing else, and its calls take longer than a
/// function waits.
const AT_ONCE: usize = 12;

/// A case: its name, the vendor, the vendor's behaviour, and the expected end of the job.
type Row = (&'static str, Vendor, Behaviour, &'static str);

fn says_no(vendor: Vendor, why: Refusal) -> Behaviour {
    refusal(vendor, why).unwrap()
}

async fn each_has_its_fate(studio: &mut Studio, rows: Vec<Row>) {
    let name = |what: &str, vendor: Vendor| format!("{} {what}", vendor.as_str());
    let mut wrong = Vec::new();
    for some in rows.chunks(AT_ONCE) {
        for (what, vendor, behaviour, _) in some {
            let tenant = name(what, *vendor);
            let script = Script::posts(*vendor, Occurrence::Nth(1), behaviour.clone());
            studio.stack.sandbox.script(Script {
                body_contains: Some(tenant.clone()),
                ..script
            });
            studio.publish(&event_for(*vendor, &tenant)).await;
        }
        for (what, vendor, _, expected) in some {
            let tenant = name(what, *vendor);
            let end = end_of(studio, &tenant).await;
            if end != *expected {
                wrong.push(format!("{tenant}: {end}, not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let calls = studio.stack.sandbox.calls();
    let paid: Vec<_> = calls.iter().filter(|call| call.is_paid()).collect();
    assert!(paid.iter().all(|call| call.attempt.is_some()));
    // Some vendors' behaviours leave no trace in a job's end, so here is that each was met: the
    // first request of its case.
    for (what, vendor, ..) in &rows {
        let tenant = name(what, *vendor);
        let is_its = |call: &&Call| {
            call.vendor == *vendor && String::from_utf8_lossy(&call.body).contains(&tenant)
        };
        assert!(paid.iter().any(is_its), "{tenant}: never asked");
    }
}

/// The faults of any vendor besides a refusal, with the end of the job: `made` where the request
/// may be repeated.
fn troubles(vendor: Vendor, made_by: &'static str) -> Vec<Row> {
    let unknown = "failed: outcome-unknown, may be submitted again; outcome-unknown";
    let lost = if vendor == Vendor::Polly {
        AGAIN_AFTER_LOST
    } else {
        unknown
    };
    let server_error = Behaviour::AcceptThenAnswer {
        status: 500,
        body: json!({ "error": "internal" }),
    };
    vec![
        (
            "cut before it accepts",
            vendor,
            Behaviour::Cut(Moment::Before),
            lost,
        ),
        (
            "cut after it accepted",
            vendor,
            Behaviour::Cut(Moment::After),
            lost,
        ),
        ("500 after it accepted", vendor, server_error, lost),
        (
            "slow",
            vendor,
            Behaviour::Slow(Duration::from_secs(3)),
            made_by,
        ),
    ]
}

const AGAIN_AFTER_LOST: &str = "completed by polly/neural; outcome-unknown, made";

#[tokio::test(flavor = "multi_thread")]
async fn each_vendor_behaviour_gives_a_job_the_fate_in_the_table() {
    use Vendor::{ElevenLabs, OpenAi, Runway};
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai", "runway", "elevenlabs");
        // What is refused ends at once.
        options.vendor_patience = Duration::ZERO;
    })
    .await;
    let no = says_no;
    let status = |status: &str| Behaviour::TaskStatus {
        status: status.to_owned(),
        polls: 3,
    };
    let fails = |code: &str| Behaviour::TaskFails {
        code: code.to_owned(),
        message: "as it was asked to".to_owned(),
    };
    let mut rows: Vec<Row> = vec![
        (
            "moderation",
            OpenAi,
            no(OpenAi, Refusal::Moderation),
            "failed: moderation; moderation",
        ),
        (
            "invalid input",
            OpenAi,
            no(OpenAi, Refusal::InvalidInput),
            "failed: invalid-input; invalid-input",
        ),
        (
            "rate limit",
            OpenAi,
            no(OpenAi, Refusal::RateLimited),
            "completed by openai/gpt-image-2; rate-limited, made",
        ),
        (
            "503",
            OpenAi,
            no(OpenAi, Refusal::Unavailable),
            "completed by openai/gpt-image-2; transient, made",
        ),
        (
            "409",
            OpenAi,
            Behaviour::Answer {
                status: 409,
                headers: Vec::new(),
                body: json!({ "error": { "message": "Try again", "code": "conflict" } }),
            },
            "completed by openai/gpt-image-2; transient, made",
        ),
        (
            "moderation",
            ElevenLabs,
            no(ElevenLabs, Refusal::Moderation),
            "failed: moderation; moderation",
        ),
        (
            "invalid input",
            ElevenLabs,
            no(ElevenLabs, Refusal::InvalidInput),
            "failed: invalid-input; invalid-input",
        ),
        (
            "rate limit",
            ElevenLabs,
            no(ElevenLabs, Refusal::RateLimited),
            "completed by elevenlabs/eleven_multilingual_v2; rate-limited, made",
        ),
        (
            "503",
            ElevenLabs,
            no(ElevenLabs, Refusal::Unavailable),
            "completed by elevenlabs/eleven_multilingual_v2; transient, made",
        ),
        (
            "moderation",
            Runway,
            no(Runway, Refusal::Moderation),
            "failed: moderation; moderation",
        ),
        (
            "invalid input",
            Runway,
            no(Runway, Refusal::InvalidInput),
            "failed: invalid-input; invalid-input",
        ),
        (
            "rate limit",
            Runway,
            no(Runway, Refusal::RateLimited),
            "completed by runway/gen4.5; rate-limited, made",
        ),
        (
            "503",
            Runway,
            no(Runway, Refusal::Unavailable),
            "completed by runway/gen4.5; transient, made",
        ),
        (
            "throttled task",
            Runway,
            status("THROTTLED"),
            "completed by runway/gen4.5; made",
        ),
        (
            "unknown status",
            Runway,
            status("CONTEMPLATING"),
            "completed by runway/gen4.5; made",
        ),
        (
            "output expires",
            Runway,
            Behaviour::OutputExpires,
            "completed by runway/gen4.5; made",
        ),
        (
            "internal failure",
            Runway,
            fails("INTERNAL.BAD_OUTPUT.CODE01"),
            "completed by runway/gen4.5; transient, made",
        ),
    ];
    // A firewall's pages, of two tenants for each vendor: three would open its breaker.
    for vendor in [OpenAi, ElevenLabs, Runway] {
        for (what, status) in [("firewall 403", 403), ("firewall 404", 404)] {
            let page = Behaviour::Firewall { status };
            rows.push((what, vendor, page, "failed: invalid-input; blocked"));
        }
    }
    rows.extend(troubles(OpenAi, "completed by openai/gpt-image-2; made"));
    rows.extend(troubles(
        ElevenLabs,
        "completed by elevenlabs/eleven_multilingual_v2; made",
    ));
    rows.extend(troubles(Runway, "completed by runway/gen4.5; made"));
    each_has_its_fate(&mut studio, rows).await;

    // After a refusal of the whole studio, the second job does not ask the vendor.
    for (vendor, id) in [
        (OpenAi, "openai"),
        (ElevenLabs, "elevenlabs"),
        (Runway, "runway"),
    ] {
        for (why, class) in [
            (Refusal::Auth, "auth"),
            (Refusal::Billing, "billing"),
            (Refusal::Gone, "provider-gone"),
        ] {
            studio.stack.sandbox.heal();
            studio.stack.sandbox.clear();
            let (first, second) = (
                format!("{id} {class} first"),
                format!("{id} {class} second"),
            );
            studio
                .stack
                .sandbox
                .script(Script::posts(vendor, Occurrence::Every, no(vendor, why)));
            studio.publish(&event_for(vendor, &first)).await;
            let expected = format!("failed: unavailable, may be submitted again; {class}");
            assert_eq!(end_of(&mut studio, &first).await, expected, "{first}");
            studio.publish(&event_for(vendor, &second)).await;
            assert_eq!(
                end_of(&mut studio, &second).await,
                "failed: unavailable, may be submitted again; ",
                "{second}"
            );
            assert_eq!(
                paid(&studio, vendor).len(),
                1,
                "{second}: no vendor was asked"
            );
            close_breaker(&studio, id).await;
        }
        studio.stack.sandbox.heal();
        let third = format!("{id} after an operator closed the breaker");
        studio.publish(&event_for(vendor, &third)).await;
        assert!(
            end_of(&mut studio, &third)
                .await
                .starts_with("completed by")
        );
    }
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn polly_and_a_picture_with_a_fallback_have_their_fates() {
    use Vendor::{OpenAi, Polly};
    let mut studio = Studio::start_with(|options| {
        options.providers = providers("openai,studio-canvas", "", "polly")
    })
    .await;
    let no = says_no;
    let status = |status: &str| Behaviour::TaskStatus {
        status: status.to_owned(),
        polls: 2,
    };
    let fails = Behaviour::TaskFails {
        code: String::new(),
        message: "the voice is hoarse".to_owned(),
    };
    let mut rows: Vec<Row> = vec![
        (
            "invalid input",
            Polly,
            no(Polly, Refusal::InvalidInput),
            "failed: invalid-input; invalid-input",
        ),
        (
            "rate limit",
            Polly,
            no(Polly, Refusal::RateLimited),
            "completed by polly/neural; rate-limited, made",
        ),
        (
            "503",
            Polly,
            no(Polly, Refusal::Unavailable),
            "completed by polly/neural; transient, made",
        ),
        (
            "unknown status",
            Polly,
            status("rehearsing"),
            "completed by polly/neural; made",
        ),
        (
            "failed task",
            Polly,
            fails,
            "completed by polly/neural; transient, made",
        ),
        // No other provider draws a forbidden picture, but another one draws a lost picture.
        (
            "moderation",
            OpenAi,
            no(OpenAi, Refusal::Moderation),
            "failed: moderation; moderation",
        ),
        (
            "lost",
            OpenAi,
            Behaviour::Cut(Moment::After),
            "completed by studio-canvas; outcome-unknown, made",
        ),
    ];
    rows.extend(troubles(Polly, "completed by polly/neural; made"));
    each_has_its_fate(&mut studio, rows).await;

    // Out of credit: the first poster gets the refusal, and all posters use the fallback.
    studio.stack.sandbox.heal();
    studio.stack.sandbox.clear();
    studio.stack.sandbox.script(Script::posts(
        OpenAi,
        Occurrence::Every,
        no(OpenAi, Refusal::Billing),
    ));
    studio
        .publish(&event_for(OpenAi, "first without credit"))
        .await;
    assert_eq!(
        end_of(&mut studio, "first without credit").await,
        "completed by studio-canvas; billing, made"
    );
    studio
        .publish(&event_for(OpenAi, "second without credit"))
        .await;
    assert_eq!(
        end_of(&mut studio, "second without credit").await,
        "completed by studio-canvas; made"
    );
    assert_eq!(paid(&studio, OpenAi).len(), 1);
    studio.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_tenants_text_opens_no_breaker_and_several_tenants_trouble_does() {
    let mut studio =
        Studio::start_with(|options| options.providers = providers("openai,studio-canvas", "", ""))
            .await;
    // The firewall before the vendor does not like a word.
    let script = Script::posts(
        Vendor::OpenAi,
        Occurrence::Every,
        Behaviour::Firewall { status: 403 },
    );
    studio.stack.sandbox.script(Script {
        body_contains: Some("contraband".to_owned()),
        ..script
    });
    let blocked = |tenant: &str, number: usize| {
        let mut event = created(tenant, &format!("{tenant}-{number}"));
        event["data"]["assets"] = json!(["poster"]);
        event["data"]["title"] = json!(format!("An evening of contraband, {number}"));
        event
    };
    // Before, the first of them opened the breaker for every tenant, and again after each quarter
    // of an hour.
    for number in 0..4 {
        studio.publish(&blocked("tenant-a", number)).await;
        let produced = studio.produced_for("tenant-a", 4 * (number + 1)).await;
        let completed = data(&produced, Topic::RenderJobCompleted);
        assert_eq!(completed.len(), number + 1);
        assert!(
            completed
                .iter()
                .all(|data| data["provider"] == "studio-canvas")
        );
    }
    studio.publish(&poster("tenant-b")).await;
    assert_eq!(
        end_of(&mut studio, "tenant-b").await,
        "completed by openai/gpt-image-2; made"
    );

    // If three tenants meet it, the content of none is the cause: the vendor is left alone.
    for tenant in ["tenant-c", "tenant-d"] {
        studio.publish(&blocked(tenant, 0)).await;
        let end = "completed by studio-canvas; blocked, made";
        assert_eq!(end_of(&mut studio, tenant).await, end);
    }
    studio.publish(&poster("tenant-e")).await;
    assert_eq!(
        end_of(&mut studio, "tenant-e").await,
        "completed by studio-canvas; made"
    );
    let said = cli(&studio, "providers list").await;
    assert!(
        said.text.contains("several tenants' requests are blocked"),
        "{said:?}"
    );
    close_breaker(&studio, "openai").await;
    studio.stop().await;
}

/// Closes an open breaker with the command line. Without `--execute` it stays open, and closing it
/// again changes nothing.
pub(super) async fn close_breaker(studio: &Studio, provider: &str) {
    let close = format!("providers close-breaker {provider}");
    let dry = cli(studio, &close).await;
    assert!(
        dry.code == Some(0) && dry.text.starts_with("would be closed"),
        "{dry:?}"
    );
    let listed = cli(studio, "--json providers list").await.json();
    let is_open = |one: &&Value| one["breaker"]["until"].is_string();
    let open = listed[0]["providers"].as_array().unwrap();
    let open: Vec<_> = open.iter().filter(is_open).collect();
    assert!(
        open.len() == 1 && open[0]["provider"] == provider,
        "{listed:?}"
    );
    for fate in ["closed  ", "closed before"] {
        let said = cli(studio, &format!("{close} --execute")).await;
        assert!(
            said.code == Some(0) && said.text.starts_with(fate),
            "{said:?}"
        );
    }
    let unknown = cli(studio, "providers close-breaker midjourney --execute").await;
    assert!(
        unknown.code == Some(3) && unknown.error.contains("there is no provider `midjourney`"),
        "{unknown:?}"
    );
}
