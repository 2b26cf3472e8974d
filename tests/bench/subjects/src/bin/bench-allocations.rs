//! Counts the allocations of reading a batch and planning its records: `bench-allocations
//! <batch.json>` prints the number of allocations, the bytes of the result, and the peak of bytes
//! held beside the result so far.

use std::{env, fs};

use contract::{Time, Topic};
use dhat::{HeapStats, Profiler};
use domain::{Planning, ProviderRouting, plan};

#[global_allocator]
static COUNTING: dhat::Alloc = dhat::Alloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let text = fs::read_to_string(env::args().nth(1).ok_or("which batch?")?)?;
    let now = Time::new(jiff::Timestamp::now());
    let routing = ProviderRouting::parse("studio-canvas", "", "")?;
    let planning = Planning {
        now,
        deadline: now.plus_seconds(900),
        routing: &routing,
    };
    // Allocations that happen only once belong to no record.
    let _first = intake::examine(
        Topic::EventCreated,
        event_created::describe,
        r#"{"records":{}}"#,
    )?;

    let _profiler = Profiler::builder().testing().build();
    let examined = intake::examine(Topic::EventCreated, event_created::describe, &text)?;
    let read = HeapStats::get();
    let mut plans = Vec::with_capacity(examined.len());
    for record in &examined {
        let read = record
            .examination
            .as_ref()
            .map_err(|letter| letter.cause.clone())?;
        plans.push(plan(None, &read.inbound, &read.description, planning)?);
    }
    let stats = HeapStats::get();
    let beside = (read.max_bytes - read.curr_bytes).max(stats.max_bytes - stats.curr_bytes);
    println!("{} {} {beside}", stats.total_blocks, stats.curr_bytes);
    Ok(())
}
