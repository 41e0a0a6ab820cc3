//! The examples compile without a warning and do what they say, in C and in C++.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without fails it")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Where cargo puts the libraries beside this test.
fn libraries() -> PathBuf {
    env::current_exe().unwrap().parent().unwrap().to_owned()
}

/// The compilers that are there; `CC` and `CXX` name others.
fn compilers(variable: &str, known: &[&str]) -> Vec<String> {
    let named = env::var(variable).into_iter().collect::<Vec<_>>();
    let is_there = |name: &&&str| Command::new(name).arg("--version").output().is_ok();
    let mut all = named;
    all.extend(known.iter().filter(is_there).map(|name| (*name).to_owned()));
    assert!(!all.is_empty(), "there is no compiler: install gcc, or set {variable}");
    all
}

fn compile(compiler: &str, standard: &str, source: &str, program: &Path) {
    let mut command = Command::new(compiler);
    command.arg(format!("-std={standard}")).args(WARNINGS).arg("-g");
    // Flags of a sanitizer, say.
    command.args(env::var("MEMLITH_CFLAGS").unwrap_or_default().split_whitespace());
    command.arg("-I").arg(folder("include")).arg(folder("examples").join(source));
    command.arg("-o").arg(program).arg("-L").arg(libraries()).arg("-lmemlith_capi").arg("-lm");
    command.arg(format!("-Wl,-rpath,{}", libraries().display()));
    let done = command.output().unwrap();
    assert!(done.status.success(), "{compiler} {standard} {source}: {}", said(&done));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn run(program: &Path, file: Option<&Path>) -> String {
    // `MEMLITH_RUN` is what it runs under: valgrind, say.
    let mut words = env::var("MEMLITH_RUN").unwrap_or_default();
    words = format!("{words} {}", program.display());
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    // What cargo sets leads to a library of an earlier build first.
    command.env("LD_LIBRARY_PATH", libraries());
    let done = command.args(words).args(file).output().unwrap();
    assert!(done.status.success(), "{}: {}", program.display(), said(&done));
    said(&done)
}

#[test]
fn examples_in_c() {
    let place = tempfile::tempdir().unwrap();
    for compiler in compilers("CC", &["gcc", "clang"]) {
        let program = place.path().join("program");
        let file = place.path().join(format!("{}.lith", compiler.replace('/', "_")));
        compile(&compiler, "c11", "tour.c", &program);
        assert!(run(&program, None).contains("every function"));
        assert!(run(&program, Some(&file)).contains("every function"));
        compile(&compiler, "c11", "agent.c", &program);
        let answers = run(&program, Some(&place.path().join(format!("{compiler}-agent.lith"))));
        assert!(answers.contains("Ada is allergic to peanuts"), "{answers}");
        assert!(!answers.contains("radiator"), "{answers}");
        compile(&compiler, "c11", "graph.c", &program);
        let answers = run(&program, None);
        for line in [
            "nobody: there is none",
            "by name: {\"found\":[{\"matched_terms\":[\"lovelac\"],\"node\":{",
            "nearest: {\"found\":[{\"node\":{\"created_ms\":",
            "its embedding: [0.1",
            "ranks written: 1",
            "imported: 2 nodes, 1 edges",
            "the edge of the countess is there: 0",
            "Ada, by her other name, was there: 1",
            "\"nodes\":{\"where\":\"london\",\"who\":\"ada\"}",
        ] {
            assert!(answers.contains(line), "{line}: {answers}");
        }
    }
}

#[test]
fn every_function_is_in_an_example() {
    let examples = fs::read_dir(folder("examples")).unwrap().map(|file| file.unwrap().path());
    let is_c = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "c");
    let shown: String =
        examples.filter(is_c).map(|path| fs::read_to_string(path).unwrap()).collect();
    let symbols = fs::read_to_string(folder("include/symbols.txt")).unwrap();
    let missing = symbols.lines().filter(|name| !shown.contains(&format!("{name}(")));
    assert_eq!(missing.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_program_of_the_readme() {
    let readme = fs::read_to_string(folder("../../README.md")).unwrap();
    let program = readme.split("```c\n").nth(1).unwrap().split("```").next().unwrap();
    let place = tempfile::tempdir().unwrap();
    let source = place.path().join("program.c");
    fs::write(
        &source,
        program.replace("agent.lith", &place.path().join("a.lith").display().to_string()),
    )
    .unwrap();
    let program = place.path().join("program");
    for compiler in compilers("CC", &["gcc", "clang"]) {
        compile(&compiler, "c11", source.to_str().unwrap(), &program);
        assert_eq!(run(&program, None), "Ada prefers tea\n");
    }
}

#[test]
fn examples_in_cpp() {
    let place = tempfile::tempdir().unwrap();
    for compiler in compilers("CXX", &["g++", "clang++"]) {
        let program = place.path().join("program");
        compile(&compiler, "c++17", "agent.cpp", &program);
        let file = place.path().join(format!("{}.lith", compiler.replace('/', "_")));
        let answers = run(&program, Some(&file));
        for part in ["Ada prefers tea to coffee", "the \\\"first\\\"", "\"kind\":\"lives_in\""] {
            assert!(answers.contains(part), "{part}: {answers}");
        }
        compile(&compiler, "c++17", "tour.cpp", &program);
        let answers = run(&program, Some(&file.with_extension("tour")));
        for part in [
            "recall: ML_CANCELLED",
            "recall in JSON: ML_CANCELLED",
            "context: ML_CANCELLED",
            "imported: 2 nodes, 1 edges",
            "ranked: 1",
            "by name: {\"found\":[{\"matched_terms\":[\"lovelac\"]",
            "\"paused\":true",
            "\"complete\":true",
        ] {
            assert!(answers.contains(part), "{part}: {answers}");
        }
    }
}
