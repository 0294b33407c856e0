//! Forms of import, and texts that only look like one.

use super::*;

fn rewritten(text: &str) -> Result<String, Fault> {
    rewrite("js/views/run.js", text, |name| {
        if name.starts_with("js/") { Ok(()) } else { Err("elsewhere".to_owned()) }
    })
}

#[test]
fn every_form_of_import_gets_a_bare_name() {
    for (text, expected) in [
        (
            r#"import { a, b as c } from "./a.js";"#,
            r#"import { a, b as c } from "page/js/views/a.js";"#,
        ),
        (
            "import {\n  a, // from \"./no.js\"\n} from '../x/a.js'",
            "import {\n  a, // from \"./no.js\"\n} from \"page/js/x/a.js\"",
        ),
        (r#"import * as bar from "../bar.js";"#, r#"import * as bar from "page/js/bar.js";"#),
        (
            r#"import from_ , {from} from "../bar.js";"#,
            r#"import from_ , {from} from "page/js/bar.js";"#,
        ),
        (r#"import "./side.js";"#, r#"import "page/js/views/side.js";"#),
        (
            r#"export { a } from "./a.js"; export * from "./b.js""#,
            r#"export { a } from "page/js/views/a.js"; export * from "page/js/views/b.js""#,
        ),
        (
            r#"f = () => import( "./a.js" ).then(g)"#,
            r#"f = () => import( "page/js/views/a.js" ).then(g)"#,
        ),
    ] {
        assert_eq!(rewritten(text).unwrap(), expected);
    }
}

#[test]
fn what_is_no_code_stays_as_it_is() {
    for text in [
        r#"/** @param {import("../main.js").App} app */ // import "./x.js""#,
        r#"const a = "import('./x.js')", b = 'say \' import "./x.js"', c = `import("./x.js")`;"#,
        r#"const d = `${f(`}import("./x.js")`)} import "./x.js"`;"#,
        r#"const e = text.match(/["'`]import\("[^/"]/g) ?? a / b / "c";"#,
        "if (x) return /\\/[/\"]/.test(y); const z = a[0] / 2 / 3; // \"",
        "try { new URL(\"w.js\", import.meta.url) } catch {}",
        "log.import(`x`); const o = { import: 1, export: 2 };",
        "export const a = 1; export default function () {} export { a };",
        "",
    ] {
        assert_eq!(rewritten(text).unwrap(), text);
    }
    let code = r#"const d = `${await import("./x.js")}`; import "./y.js""#;
    let expected =
        r#"const d = `${await import("page/js/views/x.js")}`; import "page/js/views/y.js""#;
    assert_eq!(rewritten(code).unwrap(), expected);
}

#[test]
fn what_cannot_be_taken_along_is_named_with_its_line() {
    for text in [
        "import(`./views/${name}.js`)",
        "import(name)",
        r#"import("./a" + ".js")"#,
        "import.meta.resolve(x)",
        r#"import a from "https://example.org/a.js""#,
        r#"import a from "bare""#,
        r#"import a from "../../../a.js""#,
        r#"import a from "../../css/a.css""#,
        r#"import a from "./\u0061.js""#,
        "import a of b",
        "import",
        "`${",
        "/* ",
        "\"",
    ] {
        let fault = rewritten(&format!("\n{text}")).unwrap_err();
        assert_eq!(fault.line, 2, "{text}: {fault}");
    }
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_to_an_end(text in "[a-z\"'`/*${}()\\[\\]\\\\. \nimport]{0,80}") {
        let _ = rewritten(&text);
    }

    #[test]
    fn a_text_without_imports_is_not_touched(text in "[a-hj-z\"'`/*${}()\\[\\]\\\\. \n]{0,80}") {
        if let Ok(same) = rewritten(&text) {
            proptest::prop_assert_eq!(same, text);
        }
    }
}
