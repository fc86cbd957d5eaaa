//! Calls that may take several goes: a process waits until all is sent, or enough is received.

/// Sends what of `text` is not sent yet, `progress` octets being sent; `None` while something is left.
///
/// # Errors
/// Whatever `send` says.
pub(super) fn send<E>(progress: &mut usize, text: &[u8], send: impl FnOnce(&[u8]) -> Result<usize, E>) -> Result<Option<String>, E> {
    *progress += send(&text[*progress..])?;
    if *progress < text.len() {
        return Ok(None);
    }
    *progress = 0;
    Ok(Some(text.len().to_string()))
}

/// Receives until there are `want` octets, or until the end of file with `None`, `progress` being here.
///
/// # Errors
/// Whatever `receive` says, "not yet" included; what has come until then is counted in `progress`.
pub(super) fn receive<E>(progress: &mut usize, want: Option<u32>, mut receive: impl FnMut(u32) -> Result<usize, E>) -> Result<String, E> {
    loop {
        let missing = want.map_or(u32::MAX, |want| want.saturating_sub(u32::try_from(*progress).unwrap_or(u32::MAX)));
        let fresh = receive(missing)?;
        *progress += fresh;
        if fresh == 0 || want.is_some_and(|want| *progress >= want as usize) {
            let all = std::mem::take(progress);
            return Ok(if all == 0 { "end of file".to_owned() } else { all.to_string() });
        }
    }
}
