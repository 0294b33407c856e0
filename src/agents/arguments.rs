//! The argument vector an agent is started with; no shell ever sees it.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::config::agents::AgentConfig;

/// The agent's arguments, the placeholders `{context_file}`, `{model}` and `{permission_mode}`
/// replaced. A value is put in as it is and not looked at again; any other `{word}` stays, as it
/// may mean something to the program.
pub fn arguments(agent: &AgentConfig, context_file: &Path, model: Option<&str>) -> Vec<OsString> {
    let mode = agent.permission_mode.as_deref();
    let values = [
        ("{context_file}", context_file.as_os_str()),
        ("{model}", OsStr::new(model.unwrap_or_default())),
        ("{permission_mode}", OsStr::new(mode.unwrap_or_default())),
    ];
    let model_args = model.map_or(&[][..], |_| &agent.model_args);
    let permission_args = mode.map_or(&[][..], |_| &agent.permission_args);
    let all = agent.args.iter().chain(model_args).chain(permission_args);
    all.map(|argument| filled(argument, &values)).collect()
}

/// The model to ask for: the small one where that will do and there is one.
pub fn model(agent: &AgentConfig, small: bool) -> Option<String> {
    let small = agent.small_model.as_ref().filter(|_| small);
    small.or(agent.model.as_ref()).cloned()
}

fn filled(argument: &str, values: &[(&str, &OsStr)]) -> OsString {
    let mut out = OsString::new();
    let mut rest = argument;
    loop {
        let places =
            values.iter().filter_map(|(name, value)| Some((rest.find(name)?, name, value)));
        let Some((at, name, value)) = places.min_by_key(|(at, ..)| *at) else { break };
        out.push(&rest[..at]);
        out.push(value);
        rest = &rest[at + name.len()..];
    }
    out.push(rest);
    out
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;
    use crate::config::agents::Agents;
    use crate::config::{Config, Layer};

    fn agents() -> Agents {
        Config::from(Layer::default()).agents
    }

    fn claude() -> AgentConfig {
        agents().for_command("").clone()
    }

    fn told(agent: &AgentConfig, model: Option<&str>) -> String {
        let arguments = arguments(agent, Path::new("/p/c.txt"), model);
        arguments.join(OsStr::new(" ")).into_string().unwrap()
    }

    #[test]
    fn each_preset_as_its_program_wants_it() {
        let mut claude = claude();
        let plain = "-p --output-format stream-json --verbose --append-system-prompt-file /p/c.txt";
        assert_eq!(told(&claude, None), plain);
        assert_eq!(told(&claude, Some("haiku")), format!("{plain} --model haiku"));
        claude.permission_mode = Some("acceptEdits".to_owned());
        assert_eq!(
            told(&claude, Some("opus")),
            format!("{plain} --model opus --permission-mode acceptEdits")
        );
        let agents = agents();
        let named = |name: &str| agents.each().find(|agent| agent.name == name).unwrap();
        assert_eq!(
            told(named("codex"), Some("m")),
            "exec --json --model m --sandbox workspace-write"
        );
        assert_eq!(told(named("gemini"), None), "--output-format stream-json");
    }

    #[test]
    fn placeholders_are_replaced_once_and_unknown_ones_stay() {
        let mut agent = claude();
        agent.model_args.clear();
        for (argument, filled) in [
            ("{context_file}{model}{permission_mode}", "/p/c.txt{context_file}"),
            ("--file={context_file}", "--file=/p/c.txt"),
            ("{unknown} {", "{unknown} {"),
            ("{{model}}", "{{context_file}}"),
            ("$(x) `y` ; \"z\"", "$(x) `y` ; \"z\""),
            ("", ""),
        ] {
            agent.args = vec![argument.to_owned()];
            assert_eq!(told(&agent, Some("{context_file}")), filled, "{argument}");
        }
    }

    #[test]
    fn a_path_of_any_bytes_is_handed_on() {
        let path = Path::new(OsStr::from_bytes(b"/p/\xff.txt"));
        assert_eq!(arguments(&claude(), path, None)[5], path.as_os_str());
    }

    #[test]
    fn the_small_model_where_there_is_one() {
        let mut agent = claude();
        assert_eq!((model(&agent, true), model(&agent, false)), (Some("haiku".to_owned()), None));
        agent.model = Some("opus".to_owned());
        agent.small_model = None;
        assert_eq!(model(&agent, true).as_deref(), Some("opus"));
    }
}
