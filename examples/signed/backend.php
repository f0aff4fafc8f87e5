<?php
// An echo backend for dialect `wsaas` that takes signed events only (Standard Webhooks), on PHP's built-in server. Run it:
//
//   export WEBHOOK_SECRETS="whsec_$(head -c 32 /dev/urandom | base64)"
//   php -S 127.0.0.1:3000 examples/signed/backend.php
//   API_URI=http://127.0.0.1:3000 npm start         # then connect any WebSocket client to ws://127.0.0.1:8080/

const TOLERANCE_SECONDS = 300;

/** Did somebody who knows one of the secrets sign this very body, for this very event, within the last minutes? */
function isSigned(string $body): bool
{
    $event = $_SERVER['HTTP_WEBHOOK_ID'] ?? '';
    $timestamp = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if ($event !== ($_SERVER['HTTP_WS_EVENT_ID'] ?? null) || !ctype_digit($timestamp)) return false;
    if (abs(time() - (int) $timestamp) > TOLERANCE_SECONDS) return false;
    foreach (explode(',', (string) getenv('WEBHOOK_SECRETS')) as $secret) {
        $key = base64_decode(preg_replace('/^whsec_/', '', trim($secret)));
        if (strlen($key) < 24) continue; // nobody must get in by an empty one
        $wanted = 'v1,' . base64_encode(hash_hmac('sha256', "$event.$timestamp.$body", $key, true));
        foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $given) {
            if (hash_equals($wanted, $given)) return true;
        }
    }
    return false;
}

$body = file_get_contents('php://input');
if (!isSigned($body)) {
    http_response_code(401);
    exit;
}
if ($_SERVER['REQUEST_METHOD'] === 'PUT') {
    $push = ['method' => 'PUT', 'header' => 'Content-Type: text/plain', 'content' => "You said: $body", 'timeout' => 5];
    file_get_contents('http://' . $_SERVER['HTTP_WS_URI'], false, stream_context_create(['http' => $push]));
}
header('Content-Type: application/json');
echo '{"code":"OK"}';
