//! Messages to the user, each with the actions that it offers.

use crate::gui::commands::{Command, NotificationCommand, RunCommand};

/// How serious a notification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Progress,
    Success,
    Warning,
    Error,
}

/// A button of a notification. Any of them also dismisses it.
#[derive(Clone, Debug)]
pub struct NotificationAction {
    pub label: &'static str,
    pub tooltip: &'static str,
    /// `None` to dismiss it only.
    pub command: Option<Command>,
}

#[derive(Clone, Debug)]
pub struct Notification {
    pub level: Level,
    /// Whether it is removed when another run starts.
    is_of_run: bool,
    /// One sentence.
    pub text: String,
    /// More about it, for a tooltip.
    pub details: Option<String>,
    /// The most useful one first.
    pub actions: Vec<NotificationAction>,
    /// The topic: a newer notification with the same topic replaces it.
    topic: Option<&'static str>,
}

impl Notification {
    fn new(level: Level, text: impl Into<String>) -> Self {
        Self {
            level,
            is_of_run: false,
            text: text.into(),
            details: None,
            actions: Vec::new(),
            topic: None,
        }
    }

    pub fn progress(text: impl Into<String>) -> Self {
        Self::new(Level::Progress, text)
    }

    pub fn success(text: impl Into<String>) -> Self {
        Self::new(Level::Success, text)
    }

    pub fn warning(text: impl Into<String>) -> Self {
        Self::new(Level::Warning, text)
    }

    pub fn error(text: impl Into<String>) -> Self {
        Self::new(Level::Error, text)
    }

    /// Removes it when another run starts.
    #[must_use]
    pub fn of_run(mut self) -> Self {
        self.is_of_run = true;
        self
    }

    #[must_use]
    pub fn with_details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into()).filter(|details| !details.is_empty());
        self
    }

    /// Replaces earlier notifications with this topic.
    #[must_use]
    pub fn about(mut self, topic: &'static str) -> Self {
        self.topic = Some(topic);
        self
    }

    #[must_use]
    pub fn with_action(
        mut self,
        label: &'static str,
        tooltip: &'static str,
        command: impl Into<Command>,
    ) -> Self {
        self.actions.push(NotificationAction {
            label,
            tooltip,
            command: Some(command.into()),
        });
        self
    }

    /// Adds a button that only dismisses it: "OK" for good news, else "Dismiss".
    #[must_use]
    pub fn with_dismiss(mut self) -> Self {
        let label = match self.level {
            Level::Progress | Level::Success => "OK",
            Level::Warning | Level::Error => "Dismiss",
        };
        self.actions.push(NotificationAction {
            label,
            tooltip: "Close this message",
            command: None,
        });
        self
    }

    /// Adds a button that starts the run again.
    #[must_use]
    pub fn with_restart(self) -> Self {
        let tooltip = "Start again with the same settings";
        self.with_action("Restart", tooltip, RunCommand::Restart)
    }

    /// Adds a button that starts a run with another seed.
    #[must_use]
    pub fn with_new_seed(self) -> Self {
        let tooltip =
            "Start again with the next seed and, if its latent units die, the one after it";
        self.with_action("New seed", tooltip, RunCommand::NewSeed)
    }

    fn is_replaced_by(&self, newer: &Self) -> bool {
        let same_topic = self.topic.is_some() && self.topic == newer.topic;
        same_topic || (self.level, &self.text) == (newer.level, &newer.text)
    }
}

/// Identifies a notification until it is dismissed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotificationId(u64);

/// The notifications that have not been dismissed, oldest first.
#[derive(Debug, Default)]
pub struct Notifications {
    list: Vec<(NotificationId, Notification)>,
    next_id: u64,
}

impl Notifications {
    pub fn iter(&self) -> impl Iterator<Item = &(NotificationId, Notification)> {
        self.list.iter()
    }

    pub fn execute(&mut self, command: NotificationCommand) {
        match command {
            NotificationCommand::Show(notification) => self.show(*notification),
            NotificationCommand::Dismiss(id) => self.list.retain(|(other, _)| *other != id),
            NotificationCommand::RunStarted => self.list.retain(|(_, shown)| !shown.is_of_run),
        }
    }

    /// Adds a notification in place of those that it repeats.
    fn show(&mut self, notification: Notification) {
        self.list
            .retain(|(_, other)| !other.is_replaced_by(&notification));
        self.list.push((NotificationId(self.next_id), notification));
        self.next_id += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(notifications: &Notifications) -> Vec<&str> {
        let texts = notifications.iter().map(|(_, shown)| shown.text.as_str());
        texts.collect()
    }

    fn show(notifications: &mut Notifications, notification: Notification) {
        notifications.execute(NotificationCommand::Show(Box::new(notification)));
    }

    #[test]
    fn repeated_notifications_and_those_of_one_topic_are_shown_once() {
        let mut notifications = Notifications::default();
        show(&mut notifications, Notification::error("no such file"));
        show(&mut notifications, Notification::error("no such file"));
        show(&mut notifications, Notification::success("a").about("save"));
        show(&mut notifications, Notification::success("b").about("save"));
        assert_eq!(texts(&notifications), ["no such file", "b"]);
        let first = notifications.list[0].0;
        notifications.execute(NotificationCommand::Dismiss(first));
        assert_eq!(texts(&notifications), ["b"]);
    }

    #[test]
    fn notifications_of_a_run_are_removed_when_the_next_run_starts() {
        let mut notifications = Notifications::default();
        show(&mut notifications, Notification::error("loss").of_run());
        show(&mut notifications, Notification::error("file"));
        notifications.execute(NotificationCommand::RunStarted);
        assert_eq!(texts(&notifications), ["file"]);
    }
}
