"""The texts of `--help` that say more than options do."""

from typing import Final

COMPLETE_VARIABLE: Final = "_RODIN_COMPLETE"

_EXIT_STATUSES: Final = """
\b
Exit status, of several tasks the worst in the order 130, 2, 3, 1, 4, 0:
  0    done, or, for a single look, on its way to it
  1    a task failed or was canceled
  2    wrong usage or configuration: nothing was sent
  3    API or transport error, no answer in time included
  4    timed out: the time for waiting was over before the task was
  130  interrupted (Ctrl-C)
"""

_KEYS: Final = """\
KEY is jobs.subscription_key of the submission's answer. "-" reads keys from standard input and "@FILE" from a file, one
a line: there nobody sees them, as others can see the arguments of a process. No output shows a key: tasks are told
apart by position and fingerprint.
"""

_WAITED: Final = """\
  elapsed      seconds since the command began to wait
  ended        whether this is the last line about the task
"""


def _json(lines: str, more: str = "") -> str:
    """Returns what the JSON lines hold.

    Args:
        lines: Which lines there are.
        more: Fields that not all commands have.
    """
    return f"""
\b
JSON, one object a line, {lines}; fields may be added:
  schema       1
  position     the key's place among all keys, from 1
  fingerprint  the first eight hexadecimal digits of the key's SHA-256
  exit_status  as above, of this task alone
{more}\
  task         null or state, is_final, progress (0 to 1), error, message,
               request_id, jobs: [uuid, status, raw_status, queue_length]
  error        null or type, text, status_code, code, message, retry_after,
               request_id, attempts
"""


GROUP_EPILOG: Final = f"""
\b
Examples:
  rodin demo
  rodin status "$SUBSCRIPTION_KEY"
  rodin wait --timeout 900 @keys.txt

{_EXIT_STATUSES}
\b
Environment:
  RODIN_API_KEY, HYPER3D_API_KEY  the API key, looked for in this order
  RODIN_BASE_URL                  the default of --host
  NO_COLOR                        nothing is styled
  RODIN_DEBUG                     a fault of the program shows its traceback

\b
Completion, for the start-up file of the shell:
  bash  eval "$({COMPLETE_VARIABLE}=bash_source rodin)"
  zsh   eval "$({COMPLETE_VARIABLE}=zsh_source rodin)"
  fish  {COMPLETE_VARIABLE}=fish_source rodin | source
"""

STATUS: Final = f"""Take one look at each task.

{_KEYS}"""

STATUS_EPILOG: Final = f"""
\b
Examples:
  rodin status "$SUBSCRIPTION_KEY"
  rodin status --verbose @keys.txt
  submit-something | rodin status --json - | jq -r .task.state

{_EXIT_STATUSES}
{_json("in the order of the keys")}"""

WAIT: Final = f"""Wait until each task has ended, and say how.

A terminal shows how the tasks stand meanwhile; a pipe or a log has a line for each change, of many tasks for each end.
Ctrl-C ends the wait and not the tasks: the same command takes it up again.

{_KEYS}"""

WAIT_EPILOG: Final = f"""
\b
Examples:
  rodin wait "$SUBSCRIPTION_KEY" && echo "the model can be downloaded"
  rodin wait --timeout none @keys.txt
  submit-something | rodin wait --json - | jq -r .exit_status

{_EXIT_STATUSES}
{_json("as the tasks end", _WAITED)}"""

WATCH: Final = f"""Show each change of each task until it has ended.

A terminal shows how the tasks stand now; a pipe or a log has a line for each change. Ctrl-C ends the watch and not the
tasks: the same command takes it up again.

{_KEYS}"""

WATCH_EPILOG: Final = f"""
\b
Examples:
  rodin watch "$SUBSCRIPTION_KEY"
  rodin watch @keys.txt | tee log.txt
  submit-something | rodin watch --json - | jq -r .task.progress

{_EXIT_STATUSES}
{_json("for each change", _WAITED)}"""

DEMO_EPILOG: Final = f"""
\b
Examples:
  rodin demo
  rodin demo --offline --verbose
  rodin demo --quiet && echo "the SDK works here"

\b
Exit status:
  0    everything turned out as it should, on the emulator
  2    wrong usage or configuration
  3    something did not turn out as it should
  130  interrupted (Ctrl-C)

{_json("one for each task", _WAITED)}
In the parts that do not wait, elapsed and ended are left out. Each part counts positions from 1.
"""

EMULATOR_EPILOG: Final = """
\b
Examples:
  rodin emulator --port 8000
  rodin emulator --script tasks.toml --verbose
  rodin emulator --port 8000 --timeout 600 --quiet &

\b
A script, in TOML:
  api_key = "demo"
  [[tasks]]
  preset = "regular"
  speed = 10
  subscription_key = "first"
  [[tasks]]
  jobs = [{ timeline = [[0, "Waiting"], [2, "Generating"], [20, "Failed"]] }]
"""
