#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    memlith_fuzz_bodies::target("calls").run(input);
});
