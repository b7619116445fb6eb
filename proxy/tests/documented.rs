//! The commands that README and guides show are ones that the program takes: each of those that need no network is run.

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    fn read(page: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The contents of a page's blocks in this language.
    fn blocks(page: &str, language: &str) -> Vec<String> {
        let text = read(page);
        let fence = format!("```{language}\n");
        let blocks = text.split(&*fence).skip(1);
        blocks
            .filter_map(|rest| rest.split_once("\n```").map(|(block, _)| block.to_owned()))
            .collect()
    }

    /// The lines of a page's shell blocks that call the program.
    fn commands(page: &str) -> Vec<String> {
        let blocks = blocks(page, "sh").into_iter().chain(blocks(page, "console"));
        let lines: Vec<_> = blocks
            .flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let calls = lines.iter().map(|line| line.trim_start_matches("$ "));
        calls
            .filter(|line| line.starts_with("signing-proxy "))
            .map(str::to_owned)
            .collect()
    }

    /// A folder in which a shell finds the program, and what it printed where it did not end in one of these ways.
    fn run(folder: &Path, command: &str, codes: &[i32]) {
        let program = folder.join("signing-proxy");
        if !program.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_signing-proxy"), &program).unwrap();
        }
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(folder)
            .env("PATH", format!("{}:/usr/bin:/bin", folder.display()))
            .env("REPORTS_SECRET", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
            .env("ACME_SECRET", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
            .env_remove("SIGNING_PROXY_CONFIG")
            .output()
            .unwrap();
        let is_expected = output.status.code().is_some_and(|code| codes.contains(&code));
        assert!(is_expected, "{command}: {output:?}");
    }

    #[test]
    fn readme_configuration_passes_the_check_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let first = &blocks("README.md", "toml")[0];
        fs::write(folder.path().join("signing-proxy.toml"), first).unwrap();
        let commands = commands("README.md");
        let offline = commands.iter().filter(|command| command.contains(" config "));
        assert!(
            offline.clone().count() > 0,
            "README.md shows no check of a configuration"
        );
        for command in offline {
            run(folder.path(), command, &[0]);
        }
    }

    #[test]
    fn readme_connections_of_each_method_load() {
        let folder = tempfile::tempdir().unwrap();
        let text = blocks("README.md", "toml").join("\n");
        // The second block shows the first one's connection with an endpoint.
        let endpoint = text.matches("[connections.reports]\n").count();
        assert_eq!(endpoint, 2, "README.md shows another set of connections");
        let text = text.replacen(
            "[connections.reports]\nservice  = \"s3\"",
            "[connections.local]\nservice  = \"s3\"",
            1,
        );
        let auth = "[connections.local.auth]\nmethod = \"default-chain\"\n";
        fs::write(folder.path().join("signing-proxy.toml"), format!("{text}\n{auth}")).unwrap();
        run(folder.path(), "signing-proxy config check", &[0]);
    }

    /// In the order of the page: one command reads what another has written.
    #[test]
    fn commands_of_the_policy_guide_work() {
        let page = "docs/policies.md";
        let folder = tempfile::tempdir().unwrap();
        let record = blocks(page, "json").pop().unwrap();
        for name in ["one.json", "two.json"] {
            fs::write(folder.path().join(name), &record).unwrap();
        }
        let connections = &blocks("README.md", "toml")[2];
        fs::write(folder.path().join("signing-proxy.toml"), connections).unwrap();
        let commands = commands(page);
        assert!(commands.len() > 8, "{commands:?}");
        for command in &commands {
            // It ends with 3 where something differs, as in the record of the page.
            let codes: &[i32] = if command.contains(" diff ") { &[3] } else { &[0] };
            run(folder.path(), command, codes);
        }
    }
}
