#[no_mangle]
pub extern "C" fn example(n: usize) -> usize {
    if n > 9 {
        panic!("too many")
    }
    n
}
