//! Draws every kind of picture of the contract's example: `bench-render <example.json> <rounds>`
//! prints, for each kind, its name, the microseconds of processor time of the median round, the
//! bytes of the file, and the largest resident set during it, in bytes. `bench-render
//! <example.json> <rounds> <folder>` also keeps the files. `bench-render <example.json> <rounds> -
//! invitation` keeps no files and draws one kind only.

use std::{env, error::Error, fs, path::Path};

use canvas::{Canvas, Drawing};
use contract::{AssetKind, EventCreated, MediaType};
use event_created::describe;
use mimalloc::MiMalloc;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

/// The processor time of this thread, in nanoseconds.
fn processor_time() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// The largest resident set since its last reset, in bytes.
fn largest_resident_set() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .ok_or("the kernel does not say")?;
    let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1024)
}

// The allocator of the functions.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let event: Value = serde_json::from_slice(&fs::read(arguments.next().ok_or("which event?")?)?)?;
    let rounds: usize = arguments.next().ok_or("how many rounds?")?.parse()?;
    let folder = arguments.next().filter(|folder| folder != "-");
    let kind = arguments.next();
    let data: EventCreated = serde_json::from_value(event["data"].clone())?;
    let configuration = describe(data).configuration;
    let mut canvas = Canvas::new(Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/canvas/fonts/files"
    )))?;
    let wanted = |asset: &AssetKind| kind.as_deref().is_none_or(|kind| kind == asset.as_str());
    for asset in AssetKind::ALL
        .into_iter()
        .filter(|asset| asset.media_type() == MediaType::Image)
        .filter(wanted)
    {
        let drawing = Drawing {
            asset,
            configuration: &configuration,
            look: "bench",
            logo: None,
            painting: None,
        };
        // Resets the largest resident set (proc(5), clear_refs).
        fs::write("/proc/self/clear_refs", "5")?;
        let (mut nanoseconds, mut bytes) = (Vec::with_capacity(rounds), 0);
        for _ in 0..rounds {
            let before = processor_time();
            let rendered = canvas.render(&drawing)?;
            nanoseconds.push(processor_time() - before);
            bytes = rendered.png.len();
            if let Some(folder) = &folder {
                fs::write(
                    Path::new(folder).join(asset.as_str()).with_extension("png"),
                    rendered.png,
                )?;
            }
        }
        nanoseconds.sort_unstable();
        let median = nanoseconds.get(rounds / 2).copied().unwrap_or_default() / 1000;
        println!(
            "{} {median} {bytes} {}",
            asset.as_str(),
            largest_resident_set()?
        );
    }
    Ok(())
}
