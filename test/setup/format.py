#!/usr/bin/env python3
"""Formats src/ as PostgreSQL's own sources are: make format PG_SOURCE=DIR.

DIR is a source tree of PostgreSQL 17 or later, which has pgindent and
pg_bsd_indent; Debian packages neither.  Blanks within a line are pgindent's; where
lines break and how far they are indented is left to the author, because pgindent
takes compound literals, lists of initializers and multi-line macros apart.
"""
import difflib
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TYPEDEF = re.compile(r'^\} ([A-Z]\w+);|^typedef (?:struct|enum|union) \w+ \*?(\w+);|^typedef .*\(\*(\w+)\)|^typedef \w+ (\w+);', re.M)
VARIABLES = {'text', 'list', 'string', 'name', 'path', 'set', 'key'}       # types of PostgreSQL; here they are names


def run(*command, **options):
    subprocess.run(list(map(str, command)), check=True, **options)


def build_indent(source, pg_config, scratch):
    """pg_bsd_indent, linked with the installed libpgport."""
    def asked(what):
        return subprocess.check_output([pg_config, what], text=True).strip()
    program = scratch / 'pg_bsd_indent'
    run('cc', '-O1', '-I' + asked('--includedir-server'), '-o', program, *sorted((source / 'src/tools/pg_bsd_indent').glob('*.c')),
        asked('--pkglibdir') + '/libpgport.a')
    return program


def bare(line):
    return re.sub(r'\s', '', line)


def indentation(line):
    return re.match(r'\s*', line).group()


def merged(ours, theirs):
    """Lines of ours, with the blanks of theirs where a line differs in nothing else."""
    lines = []
    for tag, i, j, k, l in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        same = {bare(line): line for line in theirs[k:l]} if tag == 'replace' else {}
        for line in ours[i:j]:
            other = same.get(bare(line))
            lines.append(other if other and line.strip() and indentation(other) == indentation(line) else line)
    return lines


def main():
    source, pg_config, top = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], pathlib.Path(__file__).resolve().parents[2]
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        shutil.copytree(top / 'src', scratch / 'src', ignore=shutil.ignore_patterns('*.o', '*.d'))
        files = sorted((scratch / 'src').rglob('*.[ch]'))
        tools = source / 'src/tools/pgindent'
        typedefs = set((tools / 'typedefs.list').read_text().split()) - VARIABLES
        for file in files:
            typedefs.update(filter(None, sum(TYPEDEF.findall(file.read_text()), ())))
        (scratch / 'typedefs').write_text('\n'.join(sorted(typedefs)) + '\n')
        indent = build_indent(source, pg_config, scratch)
        for file in files:
            copy = scratch / 'one.c'
            shutil.copy(file, copy)
            told = subprocess.run(['perl', tools / 'pgindent', f'--typedefs={scratch}/typedefs', f'--indent={indent}', copy],
                                  cwd=scratch, capture_output=True, text=True, check=False)
            if told.returncode or 'Failure' in told.stderr + told.stdout:
                print(f'{file.relative_to(scratch)}: pgindent does not understand it', file=sys.stderr)
                continue
            text = '\n'.join(merged(file.read_text().split('\n'), copy.read_text().split('\n')))
            text = re.sub(r'^(\t*)\}\t+(\w+(?:\[\w*\])?)( = \{|;)', r'\1} \2\3', text, flags=re.M)
            text = re.sub(r',(\.\w+ =|\[\w+\] =)', r', \1', text)
            text = re.sub(r'\btext \* (?=\w)', 'text *', text)            # a type after all
            (top / file.relative_to(scratch)).write_text(text)


if __name__ == '__main__':
    main()
