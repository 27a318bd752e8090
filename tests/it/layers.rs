//! The layers of `src/lib.rs`: each module imports only from layers before its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The layers, lowest first. Modules of one layer do not import from each other, except on the
/// ground floor.
const LAYERS: [&[&str]; 8] = [
    &["rng", "format", "fs", "memory", "jobs"],
    &["kernels"],
    &["data"],
    &["model"],
    &["train"],
    &["sweep"],
    &["figures"],
    &["gui", "cli"],
];

fn rank(module: &str) -> usize {
    let rank = LAYERS.iter().position(|layer| layer.contains(&module));
    rank.unwrap_or_else(|| panic!("module {module} has no layer in tests/it/layers.rs"))
}

/// The top-level modules that `code` names by `crate::…`.
fn imports(code: &str) -> BTreeSet<String> {
    let first_word = |text: &str| -> String {
        let letters = text.trim_start().chars();
        letters
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut modules = BTreeSet::new();
    for (start, _) in code.match_indices("crate::") {
        let path = &code[start + "crate::".len()..];
        let Some(group) = path.strip_prefix('{') else {
            modules.insert(first_word(path));
            continue;
        };
        let mut depth = 0;
        let mut item = 0;
        for (index, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                ',' if depth == 0 => {
                    modules.insert(first_word(&group[item..index]));
                    item = index + 1;
                }
                '}' if depth == 0 => {
                    modules.insert(first_word(&group[item..index]));
                    break;
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    modules.remove("");
    modules
}

/// Every source file below `folder`, by path.
fn sources(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.insert(
                path.display().to_string(),
                fs::read_to_string(&path).unwrap(),
            );
        }
    }
}

#[test]
fn imports_of_groups_and_single_items_are_found() {
    let code =
        "use crate::{\n    data::{Dataset, fetch},\n    fs,\n};\nlet x = crate::model::new();";
    assert_eq!(
        imports(code).into_iter().collect::<Vec<_>>(),
        ["data", "fs", "model"]
    );
}

#[test]
fn no_module_imports_from_a_later_layer() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    sources(&root, &mut files);
    let mut violations = Vec::new();
    for (path, code) in &files {
        let relative = Path::new(path).strip_prefix(&root).unwrap();
        let module = relative.iter().next().unwrap().to_str().unwrap();
        let module = module.trim_end_matches(".rs");
        if ["lib", "main"].contains(&module) {
            continue;
        }
        for import in imports(code) {
            let ground = rank(module) == 0 && rank(&import) == 0;
            if import != module && rank(&import) >= rank(module) && !ground {
                violations.push(format!("{} → {import}", relative.display()));
            }
        }
    }
    assert!(files.len() > 100, "only {} source files found", files.len());
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn the_map_in_the_library_names_every_module_once() {
    let library = include_str!("../../src/lib.rs");
    let declared: BTreeSet<&str> = library
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    let layered: BTreeSet<&str> = LAYERS.iter().flat_map(|layer| *layer).copied().collect();
    assert_eq!(declared, layered);
}
