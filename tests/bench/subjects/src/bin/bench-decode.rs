//! Reads a batch and plans its records, without effects: `bench-decode <batch.json> <rounds>`
//! prints the nanoseconds per record to read it, and to read and plan it, each as the median of the
//! rounds. Under callgrind, the difference between two numbers of rounds is the cost of a round.

use std::{env, fs, hint::black_box, time::Instant};

use contract::{Time, Topic};
use domain::{Planning, ProviderRouting, plan};
use mimalloc::MiMalloc;

// The allocator of the functions.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().ok_or("which batch?")?;
    let rounds: usize = arguments.next().ok_or("how many rounds?")?.parse()?;
    let text = fs::read_to_string(path)?;
    let now = Time::new(jiff::Timestamp::now());
    let routing = ProviderRouting::parse("studio-canvas", "", "")?;
    let planning = Planning {
        now,
        deadline: now.plus_seconds(900),
        routing: &routing,
    };
    let (mut to_read, mut to_plan) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for _ in 0..rounds {
        let begin = Instant::now();
        let examined = black_box(intake::examine(
            Topic::EventCreated,
            event_created::describe,
            black_box(&text),
        )?);
        let records = examined.len().max(1) as u128;
        to_read.push(begin.elapsed().as_nanos() / records);
        for record in &examined {
            let read = record
                .examination
                .as_ref()
                .map_err(|letter| letter.cause.clone())?;
            black_box(plan(None, &read.inbound, &read.description, planning)?);
        }
        to_plan.push(begin.elapsed().as_nanos() / records);
    }
    to_read.sort_unstable();
    to_plan.sort_unstable();
    let median = |figures: &[u128]| figures.get(rounds / 2).copied().unwrap_or_default();
    println!("{} {}", median(&to_read), median(&to_plan));
    Ok(())
}
