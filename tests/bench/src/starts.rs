//! The time from a process's start to its request for the first invocation, with its clients made
//! and connected: the part of a cold start that is ours.

use crate::bed::Bed;
use crate::error::Error;
use crate::invocations::CURRENT;
use crate::report::{Row, Unit, median};
use crate::subject::Subject;

/// The most instructions, in millions, until a function has made its clients and its producer. A
/// prototype needed 15.4.
const MOST_INSTRUCTIONS: f64 = 20.0;

/// The functions whose starts are broken down.
const EXPLAINED: [&str; 2] = ["event-created", "operator"];

/// Why starts miss their goals, for the report.
const START: &str = "In the way: half of the operator's instructions are the context that OpenSSL makes for librdkafka, a seventh the one root that it trusts here \
     (a quarter the five of a deployment), and a seventh the roots and regions that the SDK's clients for DynamoDB, S3, SQS and Step Functions read each for itself; by \
     library below. A function that does nothing makes none of them. Tried: five roots instead of the system's bundle, one HTTPS client for all services, no probing \
     for configuration: together nearly half less";

/// A closed port: the clients are made and try to connect, and are refused.
const CLOSED: &str = "127.0.0.1:1";

/// Starts each of `subjects` for `rounds` rounds, in turns, so that other load on the machine
/// affects all alike. Callgrind also counts the instructions of `native`.
pub async fn measure(
    bed: &Bed,
    subjects: &[Subject],
    native: &[Subject],
    rounds: usize,
) -> Result<Vec<Row>, Error> {
    let mut figures: Vec<(Vec<f64>, Vec<f64>)> = vec![(Vec::new(), Vec::new()); subjects.len()];
    for _ in 0..rounds {
        for (subject, (wall, cpu)) in subjects.iter().zip(&mut figures) {
            let mut running = subject.start(&bed.environment).await?;
            wall.push(running.first_next().await?.as_secs_f64() * 1000.0);
            cpu.push(running.cpu().as_secs_f64() * 1000.0);
        }
    }
    let names = subjects.iter().map(|subject| subject.name.clone());
    let (wall, cpu): (Vec<f64>, Vec<f64>) = figures
        .into_iter()
        .map(|(wall, cpu)| (median(wall), median(cpu)))
        .unzip();
    let row = |what: &str, how, unit, figures: Vec<f64>| {
        Row::new(what, how, unit, names.clone().zip(figures).collect())
    };
    let how = "from spawn, clients made and connected to Kafka (TLS, a token), by ours to AWS too; operator connects later; median";
    let mut rows = vec![
        // The operator makes all clients and the producer, and connects when it gets a request.
        row("Start to first /next, wall", how, Unit::Milliseconds, wall)
            .tried(START)
            .at_most_times("operator", 4.0, "hello"),
        row(
            "Start to first /next, processor time of all threads",
            how,
            Unit::Milliseconds,
            cpu,
        )
        .at_most_times("event-created", 1.0 / 25.0, "Node")
        .at_most_times("event-created", 1.0 / 25.0, CURRENT),
    ];
    let nowhere = [
        ("KAFKA_BOOTSTRAP_SERVERS", CLOSED.to_owned()),
        ("AWS_ENDPOINT_URL", format!("http://{CLOSED}")),
    ];
    let nowhere = nowhere.map(|(name, value)| (name.to_owned(), value));
    // With the roots of a deployment, which are more than the local broker's single root.
    let as_deployed = bed
        .environment
        .iter()
        .filter(|(name, _)| name != "KAFKA_ROOTS_PEM")
        .cloned();
    let unconnected: Vec<(String, String)> = as_deployed.chain(nowhere).collect();
    let environments = [
        (
            "Start to first /next, instructions, clients made and no server there",
            &unconnected,
            Some(MOST_INSTRUCTIONS),
        ),
        (
            "Start to first /next, instructions, all connected",
            &bed.environment,
            None,
        ),
    ];
    for (what, environment, most) in environments {
        let mut counted = Vec::new();
        let mut profiles = Vec::new();
        for subject in native {
            let profile = subject.profile(environment, &[]).await?;
            counted.push((
                subject.name.clone(),
                profile.instructions() as f64 / 1_000_000.0,
            ));
            profiles.push((&subject.name, profile));
        }
        let how = "callgrind, one run; repeatable but for TLS and timers";
        let row = Row::new(what, how, Unit::Instructions, counted);
        let Some(most) = most else {
            rows.push(row);
            continue;
        };
        rows.push(row.at_most("event-created", most));
        let explained = profiles
            .iter()
            .filter(|(name, _)| EXPLAINED.contains(&name.as_str()));
        rows.extend(explained.map(|(name, profile)| {
            profile.row(&format!("{name}'s start: where its instructions go"))
        }));
    }
    Ok(rows)
}
