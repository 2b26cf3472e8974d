//! What idempotence and connecting cost a producer that lives as long as a Lambda environment: the
//! measurement behind `docs/decisions/0001-producer.md` and `0002-connections.md`.
//!
//! ```console
//! $ make up BROKER=apache        # in another terminal
//! $ cargo run -p kafka --example first_message -- 127.0.0.1:9092
//! ```

use std::{
    env,
    time::{Duration, Instant},
};

use futures::future::join_all;
use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord, Producer as _},
};

const ROUNDS: usize = 15;
const IN_FLIGHT: (&str, &str) = ("max.in.flight.requests.per.connection", "1");
const TOPIC: &str = "eventzr.studio.render-job.created.v1";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bootstrap = env::args()
        .nth(1)
        .ok_or("say where the broker is: host:port")?;
    println!("median of {ROUNDS} producers, milliseconds\n");
    println!(
        "{:<44} {:>8} {:>8} {:>8}",
        "", "connect", "first", "100 more"
    );
    for (name, settings, wait) in [
        ("one request in flight", &[IN_FLIGHT][..], 0),
        ("idempotent", &[("enable.idempotence", "true")][..], 0),
        (
            "idempotent, 600 ms more in init",
            &[("enable.idempotence", "true")][..],
            600,
        ),
        (
            "five requests in flight (order not kept)",
            &[("max.in.flight.requests.per.connection", "5")][..],
            0,
        ),
        (
            "one, to every broker at once",
            &[IN_FLIGHT, ("enable.sparse.connections", "false")][..],
            0,
        ),
        (
            "one, reconnect.backoff.ms=1000",
            &[IN_FLIGHT, ("reconnect.backoff.ms", "1000")][..],
            0,
        ),
        (
            "one, reconnect.backoff.ms=1",
            &[IN_FLIGHT, ("reconnect.backoff.ms", "1")][..],
            0,
        ),
    ] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(round(&bootstrap, settings, Duration::from_millis(wait)).await?);
        }
        let median = |pick: fn(&[f64; 3]) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(pick).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        };
        println!(
            "{name:<44} {:>8.1} {:>8.1} {:>8.1}",
            median(|r| r[0]),
            median(|r| r[1]),
            median(|r| r[2])
        );
    }
    Ok(())
}

/// Connect, send one record, send a hundred.
async fn round(
    bootstrap: &str,
    settings: &[(&str, &str)],
    wait: Duration,
) -> Result<[f64; 3], Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", bootstrap)
        .set("acks", "all")
        .set("linger.ms", "0")
        .set("compression.codec", "gzip")
        .set("compression.level", "1");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    let producer: FutureProducer = config.create()?;
    producer
        .client()
        .fetch_metadata(None, Duration::from_secs(5))?;
    let connected = begun.elapsed();
    tokio::time::sleep(wait).await;

    let begun = Instant::now();
    send(&producer, 1).await?;
    let first = begun.elapsed();
    let begun = Instant::now();
    send(&producer, 100).await?;
    Ok([connected, first, begun.elapsed()].map(|elapsed| elapsed.as_secs_f64() * 1000.0))
}

async fn send(producer: &FutureProducer, count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let value = "x".repeat(1024);
    let enqueued: Result<Vec<_>, _> = (0..count)
        .map(|_| {
            producer
                .send_result(FutureRecord::to(TOPIC).key("tenant").payload(&value))
                .map_err(|(error, _)| error)
        })
        .collect();
    for delivery in join_all(enqueued?).await {
        delivery?.map_err(|(error, _)| error)?;
    }
    Ok(())
}
