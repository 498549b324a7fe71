//! A network of its own for a server, whose packets can be dropped.

use std::process::Command;

use crate::{
    guard::Guard,
    postgres::{Place, free_port},
};

/// A namespace, joined to ours by two ends of a cable.
pub(crate) struct Network {
    name: String,
    /// The end on our side, and the one on the other.
    ends: [String; 2],
    pub(crate) place: Place,
}

/// Runs one command; what it said where it failed.
fn run(words: &[&str]) -> Result<(), String> {
    let output = Command::new(words[0]).args(&words[1..]).output();
    let output = output.map_err(|error| format!("{}: {error}", words[0]))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{}: {}", words.join(" "), said.trim())) }
}

impl Network {
    /// Makes it; why not, where the machine does not allow it.
    pub(crate) fn make(guard: &mut Guard) -> Result<Self, String> {
        if !nix::unistd::geteuid().is_root() {
            return Err("only root may make a namespace of the network".into());
        }
        run(&["nsenter", "--version"])?;
        let own = std::process::id();
        let name = format!("warta-faults-{own}");
        let ends = [format!("wf{own}a"), format!("wf{own}b")];
        let [near, far] = &ends;
        // Addresses for trials of networks (RFC 2544), which nobody else has.
        let address = |last: u32| {
            format!("198.{}.{}.{}", 18 + (own >> 14 & 1), own >> 6 & 255, (own << 2 & 255) + last)
        };
        let [ours, theirs] = [1, 2].map(address);
        let network = Self {
            place: Place { host: theirs.clone(), port: free_port(), namespace: Some(name.clone()) },
            name,
            ends: ends.clone(),
        };
        let name = network.name.as_str();
        run(&["ip", "netns", "add", name])?;
        guard.watch_namespace(name);
        run(&["ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", name])?;
        run(&["ip", "address", "add", &format!("{ours}/30"), "dev", near])?;
        run(&["ip", "link", "set", near, "up"])?;
        run(&["ip", "-n", name, "address", "add", &format!("{theirs}/30"), "dev", far])?;
        run(&["ip", "-n", name, "link", "set", far, "up"])?;
        run(&["ip", "-n", name, "link", "set", "lo", "up"])?;
        // Tried once, so that a machine that cannot is found before the rehearsal.
        network.drop_packets()?;
        network.pass_packets()?;
        Ok(network)
    }

    /// From now on no packet arrives, and nobody is told: each end has a queue into which nothing fits.
    pub(crate) fn drop_packets(&self) -> Result<(), String> {
        let [near, far] = &self.ends;
        let queue = ["root", "bfifo", "limit", "1"];
        run(&[&["tc", "qdisc", "replace", "dev", near][..], &queue].concat())?;
        run(&[&["tc", "-n", &self.name, "qdisc", "replace", "dev", far][..], &queue].concat())
    }

    /// They arrive again.
    pub(crate) fn pass_packets(&self) -> Result<(), String> {
        let [near, far] = &self.ends;
        run(&["tc", "qdisc", "del", "dev", near, "root"])?;
        run(&["tc", "-n", &self.name, "qdisc", "del", "dev", far, "root"])
    }
}
