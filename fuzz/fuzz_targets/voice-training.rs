#![no_main]

use hostile::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| Target::VoiceTraining.check(input));
