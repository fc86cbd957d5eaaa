//! Sysctls of the network namespace of the calling thread, which is the one `/proc/sys/net` shows.

use std::fs;

use super::errno::Errno;
use super::network::NetworkError;

/// Writes one: `net.ipv4.tcp_rmem`, `4096 131072 33554432`.
pub(super) fn write(name: &str, value: &str) -> Result<(), NetworkError> {
    with_path(name, "write", |path| fs::write(path, value))
}

/// Writes settings of interfaces, those there are and those to come: `net.ipv4.conf`, `rp_filter`.
pub(super) fn write_all(kind: &str, settings: &[(&str, &str)]) -> Result<(), NetworkError> {
    for scope in ["all", "default"] {
        for (name, value) in settings {
            write(&format!("{kind}.{scope}.{name}"), value)?;
        }
    }
    Ok(())
}

/// Reads one; blanks at the ends are cut off, tabs between numbers become blanks.
pub(super) fn read(name: &str) -> Result<String, NetworkError> {
    let text = with_path(name, "read", fs::read_to_string)?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Does something with the file of a sysctl.
fn with_path<T>(name: &str, tried: &'static str, act: impl FnOnce(String) -> std::io::Result<T>) -> Result<T, NetworkError> {
    let failed = |errno: Errno| NetworkError::Sysctl { tried, name: name.to_owned(), errno };
    // A name is also a path: nothing may lead out of /proc/sys/net.
    let plain = name
        .split('.')
        .all(|part| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'_' || octet == b'-'));
    if !plain || !name.starts_with("net.") {
        return Err(failed(rustix::io::Errno::INVAL.into()));
    }
    act(format!("/proc/sys/{}", name.replace('.', "/"))).map_err(|error| failed(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sysctl_names_do_not_leave_the_namespace() {
        for name in ["kernel.hostname", "net", "net.", "net..ipv4", "net.ipv4/../../kernel/x", "net.ipv4.tcp rmem", ""] {
            let error = with_path(name, "read", |_| Ok(())).expect_err(name);
            assert!(error.to_string().contains("EINVAL"), "{error}");
        }
        with_path("net.ipv4.conf.lo-1.rp_filter", "read", |path| {
            assert_eq!(path, "/proc/sys/net/ipv4/conf/lo-1/rp_filter");
            Ok(())
        })
        .expect("a plain name");
    }
}
