#[no_mangle]
pub extern "C" fn example(n: u64) -> u32 {
    n.count_ones() + n.leading_zeros()
}
