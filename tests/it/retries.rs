//! How long the state machines repeat a step that failed, held to what the pages promise. The
//! pauses are computed from the definitions, which Step Functions executes as they are.

use std::fs;

use local::checkout::Checkout;
use serde_json::{Value, json};

/// Full jitter: a pause is anything from none to what it may be, so it is half of that on average.
const JITTER: f64 = 0.5;

/// What the pages call a few minutes, in seconds.
const A_FEW_MINUTES: f64 = 5.0 * 60.0;

fn read(path: &str) -> String {
    fs::read_to_string(Checkout::find().unwrap().root.join(path)).unwrap()
}

/// The tasks of a state machine with their definitions, and the machine's own timeout in seconds.
fn tasks_of(machine: &str) -> (Vec<(String, Value)>, f64) {
    let definition = read(&format!("infra/statemachines/{machine}.asl.json"));
    let mut machine: Value = serde_json::from_str(&definition).unwrap();
    let timeout = machine["TimeoutSeconds"].as_f64();
    let Value::Object(states) = machine["States"].take() else {
        panic!("a machine without states")
    };
    let tasks = states
        .into_iter()
        .filter(|(_, state)| state["Type"] == "Task");
    (tasks.collect(), timeout.expect("an execution may hang"))
}

/// The retry of a step that fails with `error`: the first that matches, as Step Functions looks.
fn retry_of<'a>(step: &'a Value, error: &str) -> &'a Value {
    let retries = step["Retry"].as_array().unwrap();
    let matches = |retry: &&Value| {
        let errors = retry["ErrorEquals"].as_array().unwrap();
        errors.contains(&json!(error)) || errors.contains(&json!("States.ALL"))
    };
    retries.iter().find(matches).unwrap()
}

/// The seconds for which a step that fails with `error` is repeated, if each pause is as long as it
/// may be.
fn lasts(step: &Value, error: &str) -> f64 {
    let retry = retry_of(step, error);
    let times = retry["MaxAttempts"].as_u64().unwrap();
    if times == 0 {
        return 0.0;
    }
    assert_eq!(retry["JitterStrategy"], "FULL", "{retry}");
    let number = |name: &str| retry[name].as_f64().unwrap();
    let (mut pause, mut sum) = (number("IntervalSeconds"), 0.0);
    for _ in 0..times {
        sum += pause;
        pause = (pause * number("BackoffRate")).min(number("MaxDelaySeconds"));
    }
    sum
}

/// The longest that a vendor may work, in seconds: docs/vendors.md gives it in minutes, for a video.
fn longest_work() -> f64 {
    let page = read("docs/vendors.md");
    let row = page
        .lines()
        .find(|line| line.starts_with("| works longer than"));
    let minutes = row.unwrap().split(" (video)").next().unwrap();
    let minutes = minutes.rsplit(' ').next().unwrap();
    60.0 * minutes.parse::<f64>().unwrap()
}

#[test]
fn the_tasks_of_the_state_machines_are_those_that_these_tests_mean() {
    let names = |machine| {
        let (tasks, _) = tasks_of(machine);
        tasks.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
    };
    assert_eq!(names("render"), ["Fail", "Finish", "Poll", "Submit"]);
    assert_eq!(
        names("voice-training"),
        ["Advance", "AwaitOwner", "Fail", "Register"]
    );
}

#[test]
fn trouble_of_ours_is_retried_for_longer_than_any_vendor_works() {
    for machine in ["render", "voice-training"] {
        let (tasks, timeout) = tasks_of(machine);
        for (name, step) in tasks {
            // Lambda's own errors are trouble of ours, too.
            for error in [
                "Studio.Transient",
                "Lambda.ServiceException",
                "Lambda.AWSLambdaException",
                "Lambda.SdkClientException",
                "Lambda.ClientExecutionTimeoutException",
                "Lambda.EC2ThrottledException",
                "Lambda.ENILimitReachedException",
                "Lambda.KMSDisabledException",
            ] {
                let longest = lasts(&step, error);
                assert!(
                    longest * JITTER > longest_work() && longest < timeout,
                    "{machine}, {name}: {error} is retried for up to {longest} s"
                );
            }
        }
    }
}

#[test]
fn an_hour_without_a_service_of_ours_ends_no_step() {
    for machine in ["render", "voice-training"] {
        for (name, step) in tasks_of(machine).0 {
            let longest = lasts(&step, "Studio.Transient");
            // The sum of so many pauses is near its average: half an hour off is nine deviations.
            assert!(
                longest * JITTER > 1.5 * 3600.0,
                "{machine}, {name}: {longest} s"
            );
        }
    }
}

#[test]
fn a_job_that_waits_for_a_vendor_ends_before_its_execution_does() {
    let (_, timeout) = tasks_of("render");
    let waits = seconds("RenderDeadlineSeconds") + seconds("VendorPatienceSeconds");
    assert!(waits > 3600.0, "an hour without a vendor fails no job");
    assert!(waits + longest_work() < timeout, "{waits} s");
}

#[test]
fn a_throttled_step_of_a_render_waits_until_its_machine_ends() {
    let (tasks, timeout) = tasks_of("render");
    for (name, step) in tasks {
        let longest = lasts(&step, "Lambda.TooManyRequestsException");
        assert!(longest * JITTER > timeout, "{name}: {longest} s");
    }
}

/// The default of a parameter of the template that is a number of seconds.
fn seconds(parameter: &str) -> f64 {
    let template = read("infra/template.yaml");
    let (_, rest) = template.split_once(&format!("\n  {parameter}:\n")).unwrap();
    let mut lines = rest.lines();
    let default = lines.find_map(|line| line.strip_prefix("    Default: "));
    default.unwrap().parse().unwrap()
}

#[test]
fn a_picture_is_put_off_for_as_long_as_an_execution_may_last() {
    let (_, timeout) = tasks_of("render");
    assert_eq!(seconds("RenderPatienceSeconds"), timeout);
}

#[test]
fn a_forbidden_object_and_a_vendors_trouble_are_retried_for_minutes() {
    for (machine, fetching) in [
        ("render", &["Submit"][..]),
        ("voice-training", &["Advance", "Register"]),
    ] {
        for (name, step) in tasks_of(machine).0 {
            let forbidden = lasts(&step, "Studio.Forbidden");
            if fetching.contains(&name.as_str()) {
                assert!(
                    forbidden * JITTER > 60.0 && forbidden < A_FEW_MINUTES,
                    "{machine}, {name}: {forbidden} s"
                );
            }
            let trouble = lasts(&step, "Studio.ProviderTrouble");
            assert!(
                trouble > 0.0 && trouble < A_FEW_MINUTES,
                "{machine}, {name}: {trouble} s"
            );
        }
    }
}

#[test]
fn what_cannot_pass_is_not_retried_and_ends_in_the_fail_step() {
    for machine in ["render", "voice-training"] {
        let (tasks, timeout) = tasks_of(machine);
        for (name, step) in tasks {
            let own = step["TimeoutSeconds"].as_f64();
            assert!(
                own.expect("a task may hang") < timeout,
                "{name} outlasts its machine"
            );
            let last = step["Retry"].as_array().unwrap().last().unwrap();
            assert_eq!(last["ErrorEquals"], json!(["States.ALL"]), "{name}");
            // The step that fails a job has nothing after it, so it is repeated whatever happens.
            if name == "Fail" {
                continue;
            }
            let errors = json!(["Studio.InvalidInput", "Studio.IdReused", "Studio.Internal"]);
            let never = json!({ "ErrorEquals": errors, "MaxAttempts": 0 });
            assert_eq!(step["Retry"][0], never, "{name} retries what cannot pass");
            let catch = json!([{
                "ErrorEquals": ["States.ALL"], "Output": "{% $states.errorOutput %}", "Next": "Fail",
            }]);
            assert_eq!(step["Catch"], catch, "{machine}, {name}");
        }
    }
}
