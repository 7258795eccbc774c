"""The map: what can go wrong between an agent and a model's server, and the test that provokes it.

Each line of the tables is a fault and the test of what must happen then; this file checks that the tests are there.
"""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]

HTTP = {
    "429 with seconds: waited for, retried, told": "models/test_openai_retries.py::test_the_servers_wait_is_kept",
    "429 with milliseconds": "models/test_openai_retries.py::test_milliseconds_win_over_seconds",
    "429 with a date": "models/test_openai_retries.py::test_a_date_is_a_wait",
    "429 with a date in the past, or nonsense": "models/test_openai_retries.py::test_a_wait_that_is_none_is_ones_own",
    "429 with minutes": "models/test_openai_retries.py::test_a_long_wait_is_the_callers_to_decide",
    "429 for all who share a key": "models/test_client.py::test_all_who_share_an_endpoint_wait_when_one_is_told_to",
    "no credit left": "models/test_openai_retries.py::test_what_would_fail_again_is_asked_once",
    "5xx, 408, 409: retried": "models/test_openai_retries.py::test_an_accident_is_repaired",
    "5xx, 408, 409: the last error": "models/test_openai_faults.py::test_an_error_holds_what_its_reader_needs",
    "5xx, 408, 409: how often": "models/test_openai_retries.py::test_attempts_are_counted_and_bounded",
    "400, 401, 403, 404, 413, 422": "models/test_openai_retries.py::test_what_would_fail_again_is_asked_once",
    "the key in an error": "models/test_openai_faults.py::test_a_server_that_repeats_the_key_does_not_leak_it",
    "the key in a log": "models/test_openai_faults.py::test_the_key_is_not_in_the_log",
    "x-should-retry": "models/test_openai_retries.py::test_what_would_fail_again_is_asked_once",
    "a conversation too long": "test_agent_weather.py::test_a_conversation_that_is_too_long_is_no_loop",
    "reset, half a head, half a body": "models/test_openai_retries.py::test_an_accident_is_repaired",
    "bad JSON, nothing, HTML, an error in a 200": "models/test_openai_retries.py::test_nonsense_is_asked_for_once_more",
    "what came instead of a reply": "models/test_openai_faults.py::test_what_came_instead_of_a_reply_is_quoted",
    "no answer, no body": "models/test_openai_silence.py::test_silence_is_tried_again",
    "a line that is only kept busy": "models/test_openai_silence.py::test_silence_has_an_end",
    "any of these, and the time in all": "models/test_openai_silence.py::test_the_time_in_all_ends_everything",
    "a redirect to another server": "models/test_openai.py::test_a_redirect_leads_nowhere",
    "a redirect on the same server": "models/test_client.py::test_a_redirect_on_the_same_server_is_followed_if_wished",
    "redirects in a circle": "models/test_client.py::test_redirects_in_a_circle_end",
    "a redirect to another server, following": "models/test_client.py::test_a_redirect_to_another_server_never_is",
    "a bomb, a line without end, a flood": "models/test_bounded_memory.py::test_a_heavy_reply_does_not_fill_the_memory",
    "an endless header": "models/test_openai_faults.py::test_a_fault_in_a_stream_is_one_error_of_ours",
    "what is hardly HTTP": "models/test_raw_http.py::test_odd_answers_are_understood_or_refused",
    "bytes changed on the way": "models/test_raw_http.py::test_no_accident_on_the_way_surprises_the_caller",
    "a connection that died unused": "models/test_raw_http.py::test_a_connection_that_died_unused_is_repaired",
    "a base URL that is none": "models/test_endpoint.py::test_bad_urls_are_refused_at_once",
    "a key that is none": "models/test_endpoint.py::test_keys_that_no_header_can_hold_are_refused_and_not_shown",
    "proxy variables": "models/test_http.py::test_the_environment_counts_only_where_it_is_trusted",
    "certificate variables": "models/test_http.py::test_a_certificate_is_verified",
    "a cancelled request": "models/test_cancelled_requests.py::test_a_request_under_way_ends_at_once",
    "a cancelled wait": "models/test_cancelled_requests.py::test_a_wait_between_attempts_ends_at_once",
    "thousands cancelled": "models/test_cancelled_requests.py::test_a_storm_of_cancellations_leaves_nothing_behind",
    "two hundred agents": "test_agent_weather.py::test_two_hundred_agents_share_a_model",
    "a second event loop": "models/test_http.py::test_one_model_works_on_one_loop_after_the_other",
    "closing twice, use after closing": "models/test_openai.py::test_a_closed_model_says_so",
    "anything that the server knows": "models/test_all_weather.py::test_no_weather_surprises_the_caller",
    "all of it at once": "models/test_all_weather.py::test_all_weather_at_once_is_no_worse",
}

STREAMS = {
    "byte by byte, CR, CRLF, BOM, comments, several lines": "models/test_openai_replies.py::test_the_reply_is_exact",
    "cut at any byte": "models/test_cut_streams.py::test_cut_in_two_at_any_byte_it_is_the_same",
    "cut off at any byte": "models/test_cut_streams.py::test_cut_off_at_any_byte_it_is_an_error_or_all_was_said",
    "any chunks, line ends and comments": "models/test_sse.py::test_what_was_written_is_read",
    "bytes that are no UTF-8": "models/test_openai_replies.py::test_bytes_that_are_no_utf8_are_replaced",
    "a huge event": "models/test_sse.py::test_large_events_are_refused",
    "the connection breaks off": "models/test_openai_faults.py::test_what_was_cut_off_is_in_the_error",
    "neither finish reason nor [DONE]": "models/test_openai_faults.py::test_a_fault_in_a_stream_is_one_error_of_ours",
    "open after [DONE]": "models/test_openai_silence.py::test_a_complete_reply_is_not_waited_for",
    "an error in a 200": "models/test_deltas.py::test_an_error_in_the_place_of_a_chunk_is_raised",
    "a stall": "models/test_openai_silence.py::test_what_was_said_before_the_silence_is_in_the_error",
    "the viewer leaves": "models/test_cancelled_requests.py::test_a_viewer_who_leaves_ends_the_request",
    "values of any type": "models/test_odd_values.py::test_no_value_in_a_chunk_breaks_the_merge",
    "what keeps the line alive": "models/test_bounded_memory.py::test_what_says_nothing_is_not_kept",
}

CALLS = {
    "index missing, twice, with gaps": "models/test_openai_replies.py::test_tool_calls_are_those_that_the_model_made",
    "any mixture of any numbering": "models/test_interleaved_calls.py::test_mixed_pieces_find_their_calls",
    "ids missing, empty, twice": "models/test_deltas.py::test_pieces_find_their_calls",
    "arguments null, empty, bad, a list, NaN, twice, deep": "test_agent_weather.py::test_calls_are_run_or_answered",
    "arguments of many megabytes": "test_agent_weather.py::test_a_call_of_many_megabytes_is_run_or_answered",
    "a name empty, unknown, late, repeated": "test_agent_weather.py::test_calls_are_run_or_answered",
    "cut off at the token limit": "test_agent_weather.py::test_calls_are_run_or_answered",
    "in a reply that broke off": "test_agent_weather.py::test_a_call_of_a_reply_that_broke_off_is_never_run",
    "missing, extra and mistyped arguments": "schema/test_validation.py::test_what_does_not_fit_is_refused",
    "half an emoji, NUL": "test_agent_weather.py::test_text_that_no_wire_can_carry_is_replaced",
    "a thousand calls": "test_agent_weather.py::test_a_thousand_calls_are_too_many",
}


@pytest.mark.parametrize("place", [*HTTP.values(), *STREAMS.values(), *CALLS.values()])
def test_the_map_is_true(place: str) -> None:
    """Each fault has its test."""
    file, _, name = place.partition("::")

    assert f"def {name}" in (TESTS / file).read_text()
