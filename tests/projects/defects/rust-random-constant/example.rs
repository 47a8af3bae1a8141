#[no_mangle]
pub static EXAMPLE: [u8; 16] = include!(concat!(env!("OUT_DIR"), "/seed.rs"));
