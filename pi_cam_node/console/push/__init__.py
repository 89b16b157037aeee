"""Push messages: Web Push to subscribed browsers and phones, and channels of Apprise."""
