#!/usr/bin/env python3
"""Finds what a public header leaves undocumented.

    comments.py HEADER SYMBOLS

SYMBOLS is abi/fastskip.symbols: each name in it must be found in the header.  Complete is:

  function    a sentence that says what it does; @param for each parameter and for nothing else, marked
              [out] if it is a pointer to a handle's pointer; @retval FASTSKIP_OK, and FASTSKIP_INVALID if
              a pointer can be NULL, where it returns a status, @return where it returns something else,
              neither where it returns nothing; @par Concurrency; @since
  typedef     a sentence, @since
  enum        a sentence, @since, and a comment on each enumerator
  struct      a sentence, @since, and a comment on each member
  macro       a sentence, @since; the include guard and FASTSKIP_API apart

Prints one line for each fault, and fails if there is one.
"""
import re
import sys

TOKEN = re.compile(
    r"/\*\*(?P<doc>.*?)\*/"
    r"|/\*.*?\*/"
    r"|^[ ]*#[ ]*define[ ]+(?P<macro>\w+)[^\n]*"
    r"|^[ ]*#[^\n]*"
    r"|extern \"C\" \{"
    r"|(?P<body>(?:typedef[ ]+)?(?:enum|struct)[ ]+\w+[ ]*\{)(?P<members>.*?)\}[^;]*;"
    r"|(?P<declaration>[^;/#}]+);"
    r"|\}", re.S | re.M)
COMMENT = re.compile(r"/\*\*(.*?)\*/", re.S)
NOT_API = {"FASTSKIP_H", "FASTSKIP_API"}

faults = []
functions = set()


def fault(name, what):
    faults.append(f"{name}: {what}")


def text_of(doc):
    lines = [re.sub(r"^\s*\* ?", "", line) for line in (doc or "").split("\n")]
    return "\n".join(lines).strip()


def sections(doc):
    """The text before the first command, and a list of (command, its text)."""
    parts = re.split(r"@(param(?:\[\w+\])?|retval|returns?|par|since)\s+", text_of(doc))
    return parts[0].strip(), list(zip(parts[1::2], (part.strip() for part in parts[2::2])))


def check_brief(name, doc):
    brief, commands = sections(doc)
    if not re.match(r"[A-Z0-9\"].*[.:]", brief, re.S):
        fault(name, "no sentence that says what it is")
    return commands


def check_since(name, commands):
    since = [value for command, value in commands if command == "since"]
    if len(since) != 1 or not re.fullmatch(r"\d+\.\d+", since[0]):
        fault(name, "no @since")


def check_parameters(name, parameters, commands):
    documented = {}
    for command, value in commands:
        if command.startswith("param"):
            names, _, words = value.partition(" ")
            for each in names.split(","):
                documented[each] = command
            if not words.strip():
                fault(name, f"@param {names} says nothing")
    wanted = {}
    for parameter in parameters:
        if parameter.strip() != "void":
            wanted[re.search(r"(\w+)\s*$", parameter).group(1)] = parameter
    for each in wanted.keys() - documented.keys():
        fault(name, f"no @param {each}")
    for each in documented.keys() - wanted.keys():
        fault(name, f"@param {each} is no parameter")
    for each, parameter in wanted.items():
        if re.search(r"fastskip_\w+ \*\*", parameter) and documented.get(each) != "param[out]":
            fault(name, f"@param {each} is not marked [out]")


def check_results(name, result, parameters, commands):
    retvals = [value.split()[0] for command, value in commands if command == "retval"]
    returns = [value for command, value in commands if command.startswith("return")]
    wanted = []
    if result == "fastskip_status":
        wanted = ["FASTSKIP_OK"]
        if any("*" in parameter for parameter in parameters):
            wanted.append("FASTSKIP_INVALID")
        if returns:
            fault(name, "@return beside @retval")
    elif retvals or bool(returns) != (result != "void"):
        fault(name, "no @return" if result != "void" else "returns nothing, but says what")
    for each in wanted:
        if each not in retvals:
            fault(name, f"no @retval {each}")
    for each in set(retvals):
        if retvals.count(each) > 1:
            fault(name, f"@retval {each} twice")


def check_function(match, doc):
    result, name, parameters = match.groups()
    functions.add(name)
    parameters = [" ".join(each.split()) for each in parameters.split(",")]
    commands = check_brief(name, doc)
    check_parameters(name, parameters, commands)
    check_results(name, result.strip(), parameters, commands)
    if not any(command == "par" and re.match(r"Concurrency\s+\S+", value) for command, value in commands):
        fault(name, "no @par Concurrency")
    check_since(name, commands)


def check_members(owner, members, separator):
    """Each member of an enum or struct has a comment of its own before it."""
    parts = COMMENT.split(members)
    for comment, code in zip([""] + parts[1::2], parts[0::2]):
        names = [each for each in code.split(separator) if each.strip()]
        for i, each in enumerate(names):
            member = re.search(r"(\w+)\s*(?:=.*)?$", each.strip()).group(1)
            if i > 0 or len(text_of(comment)) < 2:
                fault(f"{owner}::{member}", "no comment")


def check_header(text):
    doc = None
    for token in TOKEN.finditer(text):
        if token["doc"] is not None:
            # Marks of groups and of the file itself belong to no name.
            if not re.search(r"@name|@file|@\}", token["doc"]):
                doc = token["doc"]
            continue
        if token["macro"]:
            if token["macro"] not in NOT_API:
                check_since(token["macro"], check_brief(token["macro"], doc))
        elif token["body"]:
            name = re.search(r"(?:enum|struct)\s+(\w+)", token["body"]).group(1)
            check_since(name, check_brief(name, doc))
            check_members(name, token["members"], "," if "enum" in token["body"] else ";")
        elif token["declaration"] and token["declaration"].strip():
            declaration = " ".join(token["declaration"].split())
            function = re.match(r"FASTSKIP_API (.*?)(fastskip_\w+)\((.*)\)$", declaration)
            if function:
                check_function(function, doc)
            elif declaration.startswith("typedef "):
                name = re.search(r"\(\*(\w+)\)|(\w+)$", declaration)
                name = name.group(1) or name.group(2)
                check_since(name, check_brief(name, doc))
            else:
                fault(declaration[:60], "is no declaration that this program knows")
        else:
            continue
        doc = None


def main():
    with open(sys.argv[1], encoding="ascii") as header:
        check_header(header.read())
    with open(sys.argv[2], encoding="ascii") as symbols:
        exported = {line.split("@")[0] for line in symbols}
    for name in sorted(exported ^ functions):
        fault(name, "not declared" if name in exported else "not exported")
    for each in faults:
        print(each)
    return 1 if faults or not functions else 0


sys.exit(main())
