"""The slash command and the message shortcut in Slack."""
