//! `infra/deploy`, with the real `sam` and `aws`, against AWS's emulator: what it deploys, what it
//! refuses, what it takes back, and its exit codes and last words. What the emulator does otherwise
//! than AWS is listed in docs/testing.md.

mod back;
mod first;
mod paused;
mod refused;
mod whole;
mod world;
