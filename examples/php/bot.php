<?php
// A handler in PHP, with nothing but PHP itself.
//
// Sluice posts each event here, signed by Standard Webhooks, in the order of its chat, and takes the answer as the verdict: 2xx is
// handled, 4xx is never tried again (but for 408, 425 and 429), anything else is tried again.
//
//   handlers:
//     incomingMessageReceived: {url: "http://localhost:3000/", secret_file: bot.secret}
//
//   SECRET_FILE=bot.secret php -S 127.0.0.1:3000 bot.php

const TOLERANCE = 300; // seconds between the signature and now

// is_signed tells whether the body was signed with the secret, lately.
function is_signed(string $secret, string $body): bool
{
    $sentAt = $_SERVER['HTTP_WEBHOOK_TIMESTAMP'] ?? '';
    if (!ctype_digit($sentAt) || abs(time() - (int) $sentAt) > TOLERANCE) {
        return false;
    }
    $signed = ($_SERVER['HTTP_WEBHOOK_ID'] ?? '') . '.' . $sentAt . '.' . $body;
    $expected = 'v1,' . base64_encode(hash_hmac('sha256', $signed, $secret, true));
    foreach (explode(' ', $_SERVER['HTTP_WEBHOOK_SIGNATURE'] ?? '') as $given) {
        if (hash_equals($expected, $given)) {
            return true;
        }
    }
    return false;
}

// handle is what you do with an event. Sluice-Key is the same when an event comes again.
function handle(array $event): void
{
    error_log('message ' . $_SERVER['HTTP_SLUICE_KEY'] . ' of ' . ($event['senderData']['chatId'] ?? '?'));
}

function answer(int $status, string $text = ''): void
{
    http_response_code($status);
    echo $text;
}

$secret = base64_decode(preg_replace('/^whsec_/', '', trim(file_get_contents(getenv('SECRET_FILE')))));
$body = file_get_contents('php://input');
if ($_SERVER['REQUEST_METHOD'] !== 'POST') {
    answer(405);
} elseif (!is_signed($secret, $body)) {
    answer(401, 'wrong signature');
} elseif (!is_array($event = json_decode($body, true))) {
    answer(422, "can't be read: " . json_last_error_msg()); // It will not get better.
} else {
    try {
        handle($event);
        answer(200);
    } catch (Throwable $failed) {
        answer(500, 'not now: ' . $failed->getMessage());
    }
}
