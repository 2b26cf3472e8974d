#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    fuzz::voice_training(input);
});
