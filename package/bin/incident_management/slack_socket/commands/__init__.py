"""What people ask for in Slack besides buttons: the slash command, and the message shortcut."""
