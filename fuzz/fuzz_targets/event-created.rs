#![no_main]

use events::Topic;
use hostile::Target;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| Target::Data(Topic::EventCreated).check(input));
